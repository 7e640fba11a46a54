package dev.ublk4j.server.spi;

import dev.ublk4j.uring.Ring;

/** A queue as its {@link QueueGuest} has it: a thread and an io_uring to share. */
public interface QueueHost {
    /** {@return the queue's number within its device} */
    int id();

    /** {@return the queue's io_uring, on which the guest prepares its I/O; on its thread only} */
    Ring ring();

    /**
     * {@return what to give the guest's I/O on the {@linkplain #ring ring} as user data}
     *
     * @param value below 2 to the 60th, handed to {@link QueueGuest#completed}
     */
    long userData(long value);

    /** Has the guest called again soon; from any thread. */
    void call();

    /**
     * Submits what is prepared, and hands the guest what has completed of its I/O, without waiting.
     * For a guest that {@linkplain QueueGuest#stopped moves out}.
     */
    void drain();
}
