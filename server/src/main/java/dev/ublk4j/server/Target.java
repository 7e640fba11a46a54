package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import org.jspecify.annotations.Nullable;

/**
 * What a block device is made of: the class that a device's author writes.
 *
 * <p>The server calls one method per request. A method answers with the number of bytes done, with
 * 0 where there are none to count, or with a negative errno; what it throws ends that request
 * alone, a {@link LinuxException} with its own errno, an {@link OutOfMemoryError} with {@code
 * ENOMEM} and anything else with {@code EIO}. A target that cannot answer at once returns {@link
 * Request#PENDING} and completes the request later by {@link Queue#complete}.
 *
 * <p><b>Counts.</b> An answer of fewer bytes than were asked for is a part done: the target is
 * asked for the rest, from the first block on that is not whole, as a request of its own. One of
 * less than a block fails the request with {@code EIO}, and so does one that cannot be: more bytes
 * than were asked for, or a number that is no errno. Either is logged, once for each queue. This
 * holds for every way that data takes and for every way to answer; drivers would take such an
 * answer for the whole.
 *
 * <p><b>Threads.</b> Each queue of a device has a thread of its own, and every method with a {@link
 * Request} runs on the thread of the request's queue. A device of several queues therefore calls
 * its target from several threads at once. A target that {@linkplain #blocking blocks} is called on
 * virtual threads instead.
 *
 * <p>A target does not know which driver serves it, nor how the data of a request reaches it.
 */
public interface Target extends AutoCloseable {
    /** {@return the size, the block sizes and the abilities of the device}; asked once per start */
    Geometry geometry();

    /**
     * Reads {@link Request#length} bytes at {@link Request#offset} into the request's data.
     *
     * @return bytes read, {@link Request#PENDING}, or a negative errno
     */
    int read(Request request);

    /**
     * Writes the request's data, {@link Request#length} bytes, at {@link Request#offset}. With
     * {@link Request#forcesUnitAccess} the data must be durable before the request completes.
     *
     * @return bytes written, {@link Request#PENDING}, or a negative errno
     */
    int write(Request request);

    /**
     * Makes every write that has completed durable. Asked of devices {@linkplain
     * Geometry#withVolatileCache with a volatile cache}.
     *
     * @return 0, {@link Request#PENDING}, or a negative errno
     */
    default int flush(Request request) {
        return 0;
    }

    /**
     * Forgets a range, whose content may be anything afterwards. Asked of devices {@linkplain
     * Geometry#withDiscard that discard}.
     *
     * @return 0 for all of it, bytes forgotten, {@link Request#PENDING}, or a negative errno
     */
    default int discard(Request request) {
        return Errno.EOPNOTSUPP.negated();
    }

    /**
     * Fills a range with zeroes; with {@link Request#keepsAllocation} its space stays allocated.
     * Asked of devices {@linkplain Geometry#withWriteZeroes that write zeroes}.
     *
     * @return 0 for all of it, bytes zeroed, {@link Request#PENDING}, or a negative errno
     */
    default int writeZeroes(Request request) {
        return Errno.EOPNOTSUPP.negated();
    }

    /**
     * Goes on with a pending request when I/O that the target started on the queue's ring, under
     * {@link Queue#userData}, has completed.
     *
     * @param step as the target gave it to {@link Queue#userData}
     * @param result the result of the I/O, or a negative errno
     * @return what a handler returns: the request's result, or {@link Request#PENDING} to go on
     */
    default int resume(Request request, int step, int result) {
        return result;
    }

    /**
     * {@return whether handlers may block} They then run on virtual threads, several requests of a
     * queue at a time, and may not use the queue's ring.
     */
    default boolean blocking() {
        return false;
    }

    /**
     * {@return whether handlers look at {@link Request#data}} Those that do not, and leave it to
     * io_uring by {@link Request#address} and {@link Request#fixedBuffer}, can be served without
     * any copy ({@code UBLK_F_AUTO_BUF_REG}).
     */
    default boolean needsData() {
        return true;
    }

    /**
     * {@return what knows which parts of the target hold nothing, or null when nothing does} The
     * driver never asks; fronts do that tell their clients.
     */
    default @Nullable AllocationMap allocation() {
        return null;
    }

    /**
     * Makes room for another size of the device, or gives room back, before the device changes to
     * it. On any thread, while requests go on.
     *
     * @param bytes a multiple of the logical block size
     * @throws UnsupportedOperationException when the target's size is fixed
     * @throws IllegalArgumentException for a size that it cannot have
     */
    default void resize(long bytes) {
        throw new UnsupportedOperationException("the size of this kind of device is fixed");
    }

    /** Prepares a queue, on its thread, before its first request. */
    default void queueStarted(Queue queue) {}

    /**
     * Lets go of what {@link #queueStarted} prepared, on the queue's thread, after its last
     * request.
     */
    default void queueStopped(Queue queue) {}

    /** Lets go of what the target holds, when its device has been closed. */
    @Override
    default void close() {}
}
