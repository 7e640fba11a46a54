package dev.ublk4j.client;

import dev.ublk4j.uring.CompletionHandler;

/**
 * One thread's way to a block device, past the page cache, many requests at a time.
 *
 * <p>Requests are prepared by {@link #read}, {@link #write} and {@link #flush}, sent by {@code
 * run}, and end at its handler with their bytes or a negative errno. Memory, offset and length must
 * be aligned as the device wants it, which a page always is, and the memory must stay until the
 * request has ended. The thread that opened it calls every method.
 */
public interface BlockAccess extends AutoCloseable {
    /** {@return the size of the device in bytes} */
    long size();

    /**
     * Prepares a read.
     *
     * @param address where the data goes
     * @param length bytes
     * @param offset first byte on the device
     * @param userData names the request to the handler
     */
    void read(long address, int length, long offset, long userData);

    /**
     * Prepares a write.
     *
     * @param address where the data is
     * @param length bytes
     * @param offset first byte on the device
     * @param userData names the request to the handler
     */
    void write(long address, int length, long offset, long userData);

    /**
     * Prepares a flush of everything that has been written; it waits for nothing that is under way.
     */
    void flush(long userData);

    /**
     * Sends what is prepared and hands over requests that have ended.
     *
     * @param minimum how many to wait for
     * @return how many were handed over
     */
    int run(int minimum, CompletionHandler handler);

    /**
     * Sends what is prepared and hands over requests that have ended, within a time.
     *
     * @param minimum how many to wait for
     * @param timeoutNanos how long at most
     * @return how many were handed over, fewer than {@code minimum} when the time ran out
     */
    int run(int minimum, long timeoutNanos, CompletionHandler handler);

    /** Closes the device. No request may be under way, because its memory would still be used. */
    @Override
    void close();
}
