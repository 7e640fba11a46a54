package dev.ublk4j.driver.spi;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.Ring;
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
     * Copies the data of a request into a part of a buffer ({@code UBLK_F_USER_COPY}).
     *
     * @param at where the part begins in the buffer
     * @param length its bytes
     * @param position {@code UBLKSRV_IO_BUF_OFFSET} and more: queue, tag and offset, encoded
     * @return bytes, or a negative errno
     * @throws IndexOutOfBoundsException when the buffer has no such part
     */
    long pread(MemorySegment buffer, long at, long length, long position);

    /** As {@link #pread(MemorySegment, long, long, long)}, into a whole buffer. */
    default long pread(MemorySegment buffer, long position) {
        return pread(buffer, 0, buffer.byteSize(), position);
    }

    /**
     * Copies a part of a buffer into the data of a request ({@code UBLK_F_USER_COPY}).
     *
     * @param at where the part begins in the buffer
     * @param length its bytes
     * @param position {@code UBLKSRV_IO_BUF_OFFSET} and more: queue, tag and offset, encoded
     * @return bytes, or a negative errno
     * @throws IndexOutOfBoundsException when the buffer has no such part
     */
    long pwrite(MemorySegment buffer, long at, long length, long position);

    /** As {@link #pwrite(MemorySegment, long, long, long)}, of a whole buffer. */
    default long pwrite(MemorySegment buffer, long position) {
        return pwrite(buffer, 0, buffer.byteSize(), position);
    }

    /**
     * Prepares {@code REGISTER_IO_BUF} or {@code UNREGISTER_IO_BUF} on a ring that need not be one
     * of {@link #openRing} ({@code UBLK_F_BUF_REG_OFF_DAEMON}). On the ring's thread.
     *
     * @param slot the registered buffer of the ring
     * @throws UnsupportedOperationException when the driver has no pages to register
     */
    default void pages(Ring ring, int commandOp, int queueId, int tag, int slot, long userData) {
        throw new UnsupportedOperationException("registering pages needs the kernel's driver");
    }

    /**
     * {@return whether the driver pins the pages of registered buffers, so that requests come from
     * these pages alone and the server may pin them as well} Where the driver does not, the file
     * behind a buffer may get other pages.
     */
    default boolean pinsBuffers() {
        return true;
    }

    /**
     * {@return whether the device is known to be gone, so that its number may be another device's}
     *
     * <p>A char device that is open keeps its device and number. When it has been closed, somebody
     * else may have deleted the device; commands, which name it by its number, would go to the one
     * that was added after it.
     */
    default boolean isGone() {
        return false;
    }

    /** Closes the char device; a second call does nothing. Close its rings first. */
    @Override
    void close();
}
