package dev.ublk4j.server;

/**
 * A target on one queue of a device: takes the queue's requests, and holds what belongs to that
 * queue alone. Every method is called on the queue's thread, so state needs no lock.
 */
@FunctionalInterface
public interface TargetQueue extends AutoCloseable {
    /**
     * Begins a request, which ends in one of these ways, now or later:
     *
     * <ul>
     *   <li>{@link Request#complete} on this thread, or {@link Queue#complete} on another;
     *   <li>I/O on the queue's ring, {@link Queue#read} and its like, which completes it;
     *   <li>{@linkplain Request#part parts} sent to other targets. The request completes when all
     *       of them have: with its whole, or with the first errno;
     *   <li>{@code below.submit(request)}: another target's queue takes it as it is. One of them,
     *       and the request is not touched afterwards: what is to go to two goes there in parts.
     * </ul>
     *
     * <p><b>Results.</b> A result is the number of bytes done, or 0 where no data is moved, or a
     * negative errno. Fewer bytes than were asked for are a part done: the target is handed the
     * rest, from the first block on that is not whole, as a request of its own. Less than a block
     * fails the request with {@code EIO}, and so does what cannot be: more bytes than were asked
     * for, or a number that is no errno. Either is logged, once for each queue. This holds for
     * every way that data takes, for every way to complete, and for the parts of layers as for
     * requests of the driver; drivers would take such a result for the whole.
     *
     * <p>What this method throws ends the request, and no other: a {@link
     * dev.ublk4j.linux.LinuxException} with its own errno, an {@link OutOfMemoryError} with {@code
     * ENOMEM} and anything else with {@code EIO}. It is logged, once for each class.
     *
     * <p>A request that completes while I/O or parts of it are under way ends when those have.
     */
    void submit(Request request);

    /**
     * Does what remains to be done when the last request of the driver has ended: may still send
     * {@linkplain Queue#request requests of its own}, and the queue ends when those have. Not
     * called where the queue has failed.
     */
    default void finish() {}

    /**
     * Lets go of what the queue holds, after its last request. Where {@link Queue#hasIoLeft}, the
     * kernel may still be at work on it.
     */
    @Override
    default void close() {}
}
