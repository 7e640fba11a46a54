package dev.ublk4j.server;

/**
 * What shares a queue's thread and its io_uring, so that a client's request goes from its arrival
 * to its answer on one thread: the front of a protocol that serves clients of the embedded driver.
 *
 * <p>Every method is called on the queue's thread, and none may block. A guest prepares its I/O on
 * {@link Queue#ring} under {@link Queue#guestUserData}; {@link #turn} comes after each pass over
 * the ring, and before the thread sleeps it has always come after the last completion. What is
 * changed from elsewhere, or while commands of the queue are carried out, is noticed in the next
 * turn, which {@link Queue#callGuest} asks for.
 */
public interface QueueGuest {
    /** Moves in, before the queue's first request. */
    void started(Queue queue);

    /**
     * Hears that I/O of its own has completed.
     *
     * @param value as given to {@link Queue#guestUserData}
     * @param result the result of the I/O, or a negative errno
     */
    void completed(long value, int result);

    /** Does what there is to do; more completions may have come since, or none. */
    void turn();

    /**
     * Moves out, after the queue's last request. The ring is still open; I/O that is under way on
     * it must have ended when this returns.
     */
    void stopped();
}
