package dev.ublk4j.exports;

import dev.ublk4j.embedded.DiskRequest;

/**
 * A client's request on its way to the disk and back, on the thread of its front. Used again for
 * others.
 */
public abstract class ClientRequest {
    private final QueueFront front;

    @SuppressWarnings("this-escape") // nothing is called before the request is submitted
    private final DiskRequest request = new DiskRequest(this::onDone);

    /** Makes a request of a client that a front serves. */
    protected ClientRequest(QueueFront front) {
        this.front = front;
    }

    /** {@return what to fill and to {@link #submit}, while the disk does not have it} */
    protected final DiskRequest request() {
        return request;
    }

    /**
     * Sends the request to the disk. It may be answered before this method returns.
     *
     * @param filled {@link #request}
     */
    protected final void submit(DiskRequest filled) {
        assert filled == request : filled;
        front.submit(filled);
    }

    /** The disk is done; on any thread, though nearly always on the queue's. */
    private void onDone(DiskRequest done, long result) {
        if (front.isHere()) {
            answered(result);
        } else if (!front.execute(() -> answered(result))) {
            abandoned();
        }
    }

    /**
     * Takes the disk's answer; on the queue's thread.
     *
     * @param result not negative for success, else a negative errno
     */
    protected abstract void answered(long result);

    /**
     * Lets go of what others wait for: the disk's answer has come after the end of the queue, and
     * no client is there to get it. On any thread.
     */
    protected void abandoned() {}
}
