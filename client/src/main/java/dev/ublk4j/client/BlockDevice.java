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
     * {@return the block device of a path, such as {@code /dev/ublkb0}, a partition of it, or a
     * file of a file system that is on it}
     *
     * <p>Its server is asked to share memory over the socket of that device: {@code
     * /run/ublk/ublkb0.sock}.
     */
    static BlockDevice at(Path path) {
        return new LocalBlockDevice(path, null);
    }

    /** {@return the block device or file of a path, whose server listens at another socket} */
    static BlockDevice at(Path path, Path socket) {
        return new LocalBlockDevice(path, socket);
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
     * @throws LinuxException when there is no server, or it refuses
     */
    Sharing share(SharedMemory memory);
}
