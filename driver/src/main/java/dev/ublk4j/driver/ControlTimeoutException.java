package dev.ublk4j.driver;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * A control command that did not complete in time. It completes later: {@link #outcome} tells, and
 * whoever catches this acts on it, or hands it on.
 */
public final class ControlTimeoutException extends LinuxException {
    private static final long serialVersionUID = 1L;

    private final transient CompletionStage<Integer> outcome;

    /**
     * Creates the exception for one command.
     *
     * @param command its name, such as {@code UBLK_U_CMD_DEL_DEV}
     * @param object what it was sent to, such as {@code device 3}
     * @param timeout how long it was waited for
     * @param outcome completes with its result
     */
    public ControlTimeoutException(
            String command, String object, Duration timeout, CompletionStage<Integer> outcome) {
        super(
                command,
                object + ", not completed within " + timeout.toMillis() + " ms",
                Errno.ETIMEDOUT.negated());
        this.outcome = outcome;
    }

    private ControlTimeoutException(
            ControlTimeoutException cause, CompletionStage<Integer> outcome) {
        super(cause.call(), cause.object(), Errno.ETIMEDOUT.negated());
        initCause(cause);
        this.outcome = outcome;
    }

    /**
     * {@return completes with the result of the command, 0 or more or a negative errno, once it has
     * been dealt with: until then the memory that the command names is the driver's} It completes
     * exceptionally when the driver has been lost sight of, which means never.
     *
     * <p>What depends on it runs on a thread that may wait, and that nobody waits for.
     */
    public CompletionStage<Integer> outcome() {
        return outcome;
    }

    /**
     * Frees what a command named that has failed, for whatever reason: now, or where it is late,
     * with its outcome.
     *
     * @param failure what was thrown
     * @param free frees it; where it throws one of these in turn, it is called again later
     */
    public static void whenSettled(Throwable failure, Runnable free) {
        if (failure instanceof ControlTimeoutException late) {
            CompletionStage<Void> _ = late.outcome().thenAccept(_ -> freeOrWait(free));
        } else {
            free.run();
        }
    }

    private static void freeOrWait(Runnable free) {
        try {
            free.run();
        } catch (ControlTimeoutException e) {
            whenSettled(e, free);
        }
    }

    /**
     * {@return the same, for whoever must wait until somebody between has acted on the outcome}
     *
     * @param later completes when that has been done
     */
    public ControlTimeoutException until(CompletionStage<Integer> later) {
        return new ControlTimeoutException(this, later);
    }
}
