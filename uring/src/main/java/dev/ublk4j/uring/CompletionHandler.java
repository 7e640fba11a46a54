package dev.ublk4j.uring;

/** Takes completions off a ring; see {@link Ring#drain}. */
@FunctionalInterface
public interface CompletionHandler {
    /**
     * Called once for each completion, on the thread that drains.
     *
     * <p>It may prepare and submit, and it may close the ring; what it throws leaves {@link
     * Ring#drain} with this completion counted as taken.
     *
     * @param userData what the operation was prepared with
     * @param result the operation's result, or a negative errno
     * @param flags {@code IORING_CQE_F_...}; with {@link IoUring#IORING_CQE_F_MORE} the same
     *     operation completes again
     */
    void onCompletion(long userData, int result, int flags);
}
