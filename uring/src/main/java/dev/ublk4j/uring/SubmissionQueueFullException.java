package dev.ublk4j.uring;

/** No entry is free and the kernel takes none of those that are there. */
public final class SubmissionQueueFullException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SubmissionQueueFullException(String queue) {
        super("no entry is free after a submission: " + queue);
    }
}
