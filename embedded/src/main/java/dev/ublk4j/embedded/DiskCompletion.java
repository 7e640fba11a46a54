package dev.ublk4j.embedded;

/** Hears that a {@link DiskRequest} is done. */
@FunctionalInterface
public interface DiskCompletion {
    /**
     * Called once for each submission, on the thread that completed it: a queue's thread, one that
     * stops the device or closes its server, or, where the request is refused at once, the
     * submitting thread before {@link Disk#submit} returns. The request may be filled and submitted
     * again from here.
     *
     * @param request the request, no longer in use
     * @param result bytes done (0 for a flush), or a negative errno
     */
    void onDone(DiskRequest request, long result);
}
