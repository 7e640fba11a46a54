package dev.ublk4j.sharing.store;

import dev.ublk4j.linux.Fd;
import java.util.Map;

/**
 * Keeps descriptors alive beyond the life of this process.
 *
 * <p>What cannot be done is a {@link dev.ublk4j.linux.LinuxException}.
 */
public interface DescriptorStore extends AutoCloseable {
    /**
     * Keeps a descriptor, at the latest when this returns.
     *
     * @param key letters, digits and hyphens
     * @param descriptor is copied, and stays the caller's
     */
    void put(String key, Fd descriptor);

    /** Lets go of a descriptor, if it is kept. */
    void remove(String key);

    /** {@return copies of what is kept, by key, which the caller must close} */
    Map<String, Fd> take();

    /** Lets go of everything: nothing will be kept any more. */
    @Override
    void close();
}
