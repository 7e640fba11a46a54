package dev.ublk4j.driver.spi;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An open char device, {@code /dev/ublkcN}: the server's side of one device.
 *
 * <p>The driver takes the server for dead when the last char device of a device is closed while
 * tags are fetched. Every ring and every mapping must be closed before {@code DEL_DEV} can return.
 */
public interface CharDevice extends AutoCloseable {
    /** {@return the device's number} */
    int deviceId();

    /**
     * Maps part of the char device, read-only, as {@code mmap(2)} does.
     *
     * <p>The descriptors of queue {@code q} begin at {@code UBLKSRV_CMD_BUF_OFFSET + q * m}, where
     * m is {@code UBLK_MAX_QUEUE_DEPTH} times the size of a descriptor.
     *
     * @param offset where, in bytes
     * @param length bytes; exactly the queue's descriptors, rounded up to a page
     * @param arena unmaps when it closes
     * @throws LinuxException {@code EINVAL} for an offset beyond the device's queues or another
     *     length, {@code EPERM} for another process than the device's server
     */
    MemorySegment map(long offset, long length, Arena arena);

    /**
     * Opens a ring for the calling thread to send io commands over.
     *
     * @param options the ring's sizes
     * @throws LinuxException when the kernel refuses the ring
     */
    QueueRing openRing(RingOptions options);

    /**
     * Copies the data of a request into a buffer ({@code UBLK_F_USER_COPY}).
     *
     * @param position {@code UBLKSRV_IO_BUF_OFFSET} and more: queue, tag and offset, encoded
     * @return bytes, or a negative errno
     */
    long pread(MemorySegment buffer, long position);

    /**
     * Copies a buffer into the data of a request ({@code UBLK_F_USER_COPY}).
     *
     * @param position {@code UBLKSRV_IO_BUF_OFFSET} and more: queue, tag and offset, encoded
     * @return bytes, or a negative errno
     */
    long pwrite(MemorySegment buffer, long position);

    /** Closes the char device; a second call does nothing. Close its rings first. */
    @Override
    void close();
}
