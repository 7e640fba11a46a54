package dev.ublk4j.server;

/** Goes on with a request when I/O on the queue's ring has completed. On the queue's thread. */
@FunctionalInterface
public interface RingHandler {
    /**
     * Ends the request by {@link Request#complete}, or goes on with it as {@link
     * TargetQueue#submit} does.
     *
     * @param result of the I/O: bytes, or 0, or a negative errno
     */
    void completed(Request request, int result);
}
