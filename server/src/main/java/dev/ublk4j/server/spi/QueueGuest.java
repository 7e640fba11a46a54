package dev.ublk4j.server.spi;

/**
 * What shares a queue's thread and its io_uring, so that a client's request goes from its arrival
 * to its answer on one thread: the front of a protocol that serves clients of the embedded driver.
 *
 * <p>Every method is called on the queue's thread, and none may block. A guest prepares its I/O on
 * {@link QueueHost#ring} under {@link QueueHost#userData}; {@link #turn} comes after each pass over
 * the ring, and before the thread sleeps it has always come after the last completion. What is
 * changed from elsewhere, or while commands of the queue are carried out, is noticed in the next
 * turn, which {@link QueueHost#call} asks for. A guest that goes on as long as a turn is busy need
 * not ask: what changed in a busy turn is noticed in the next, before the thread sleeps.
 */
public interface QueueGuest {
    /** Moves in, before the queue's first request. */
    void started(QueueHost host);

    /**
     * Hears that I/O of its own has completed.
     *
     * @param value as given to {@link QueueHost#userData}
     * @param result the result of the I/O, or a negative errno
     * @param flags of the completion, {@code IORING_CQE_F_...}
     */
    void completed(long value, int result, int flags);

    /**
     * Does what there is to do; more completions may have come since, or none.
     *
     * @param busy whether the thread has done anything since the last turn: handed requests to the
     *     target, say, whose answers have yet to be committed
     * @return whether to go on at once. If not, the thread sleeps until its ring has a completion
     *     or somebody calls {@link QueueHost#call}
     */
    boolean turn(boolean busy);

    /**
     * Moves out, after the queue's last request. The ring is still open; I/O that is under way on
     * it must have ended when this returns.
     */
    void stopped();
}
