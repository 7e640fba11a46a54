package dev.ublk4j.linux.socket;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import org.jspecify.annotations.Nullable;

/**
 * A socket at which others connect.
 *
 * @param <C> what they are then
 */
public interface Acceptor<C extends AutoCloseable> {
    /** {@return the descriptor, to poll; it stays owned by this object} */
    Fd fd();

    /**
     * Takes in one who has connected, or null when nobody has.
     *
     * @throws LinuxException when the kernel refuses; {@link Errno#EMFILE} when no descriptor is
     *     left
     */
    @Nullable C acceptOrNull();
}
