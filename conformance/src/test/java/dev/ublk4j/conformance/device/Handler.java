package dev.ublk4j.conformance.device;

import java.lang.foreign.MemorySegment;

/** What a test's server does with a request. */
@FunctionalInterface
public interface Handler {
    /** The answer that is none: the test answers later. */
    int HOLD = Integer.MIN_VALUE;

    /**
     * Called on the queue's thread.
     *
     * @param data where the request's data is, empty where there is none
     * @return bytes done, 0, a negative errno, or {@link #HOLD}
     */
    int handle(Seen request, MemorySegment data);

    /**
     * {@return the sector where a zone append has put its data} Asked on the queue's thread, when
     * the request has been handled.
     */
    default long appendedAt(Seen request) {
        return request.sector();
    }

    /** {@return a server that holds every request} */
    static Handler holding() {
        return (request, data) -> HOLD;
    }

    /** {@return a server that claims to have done everything} */
    static Handler agreeing() {
        return (request, data) -> request.bytes();
    }

    /** {@return a server that answers everything with an error} */
    static Handler failing(int negativeErrno) {
        return (request, data) -> negativeErrno;
    }
}
