package dev.ublk4j.client;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A block device that a {@link SharedBufferPool} can be attached to: as a rule {@linkplain #at a
 * device of this machine}. Any thread.
 */
public interface BlockDevice {
    /**
     * {@return the block device of a path} Its server is asked to share memory over the socket that
     * belongs to a device of that name: {@code /run/ublk/ublkb0.sock} for {@code /dev/ublkb0}.
     */
    static BlockDevice at(Path path) {
        return new LocalBlockDevice(path);
    }

    /**
     * Opens the device for the calling thread.
     *
     * @param memory where all requests will have their data; it stays mapped until the device has
     *     been closed
     * @param depth how many requests are sent at a time
     * @throws LinuxException when the device cannot be opened
     */
    BlockAccess open(MemorySegment memory, int depth);

    /**
     * Asks the device's server to map memory and to have the driver match requests with it.
     *
     * @param memory belongs to the caller and may be closed any time after this
     * @throws LinuxException when nobody is there to ask, or the answer is no
     */
    Sharing share(SharedMemory memory);
}
