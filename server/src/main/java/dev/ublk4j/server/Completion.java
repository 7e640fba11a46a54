package dev.ublk4j.server;

/** Hears that a request which a layer sent to the target below has ended. On the queue's thread. */
@FunctionalInterface
public interface Completion {
    /**
     * Takes note of a result, and says what it means to the request that it is a part of. More
     * parts of that may be sent from here.
     *
     * @param part may not be used once this has returned
     * @param result bytes, which are {@link Request#length}; or 0 where no data is moved; or a
     *     negative errno
     * @return the result, or another that counts in its place: an errno fails the parent, anything
     *     else is a part done. Without a parent it does not matter
     */
    int completed(Request part, int result);
}
