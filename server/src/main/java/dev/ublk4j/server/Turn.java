package dev.ublk4j.server;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Errno;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Commands that must not overtake each other: one has its outcome before the next is sent, however
 * late that is. Any thread.
 *
 * <p>It is a lock that belongs to a command and not to a thread: the sender of a late command goes
 * away, and whoever has the outcome acts on it and ends the turn. Who comes meanwhile is not made
 * to wait, but gets a {@link ControlTimeoutException} of its own: the driver has shown already that
 * it takes longer than anybody's patience.
 */
final class Turn {
    private static final System.Logger LOG = System.getLogger(Turn.class.getName());

    private static final long RECHECK_MILLIS = 50;

    private final int device;
    private final Semaphore free = new Semaphore(1, true);

    /** The outcome of a command that is late. */
    private volatile CompletableFuture<Integer> late = CompletableFuture.completedFuture(0);

    /** Why nothing can be sent any more. */
    private volatile @Nullable Throwable lost;

    Turn(int device) {
        this.device = device;
    }

    /**
     * Sends a command when it has its turn.
     *
     * @param command its name
     * @param send sends it; what it does besides is part of the turn
     * @param onLate acts on the answer of a command that was late, on a thread that may wait; what
     *     it returns is the outcome for the caller
     * @throws ControlTimeoutException when this command or the one before has no answer in time;
     *     its outcome comes when {@code onLate} has returned, or the other command has its own
     */
    <T> T run(String command, Supplier<T> send, IntUnaryOperator onLate) {
        begin(command);
        boolean isLate = false;
        try {
            return send.get();
        } catch (ControlTimeoutException e) {
            isLate = true;
            CompletableFuture<Integer> settled = new CompletableFuture<>();
            late = settled;
            CompletionStage<Integer> _ =
                    e.outcome()
                            .whenComplete((answer, failure) ->
                                    settle(command, answer, failure, onLate, settled));
            throw e.until(settled);
        } finally {
            if (!isLate) {
                free.release();
            }
        }
    }

    private void begin(String command) {
        boolean interrupted = false;
        try {
            while (true) {
                if (lost != null) {
                    throw new IllegalStateException(
                            "device %d: no connection to the driver".formatted(device), lost);
                }
                CompletableFuture<Integer> before = late;
                if (!before.isDone()) {
                    throw new ControlTimeoutException(
                            command,
                            "device %d, an earlier command is not completed".formatted(device),
                            Duration.ZERO,
                            before.thenApply(_ -> Errno.ETIMEDOUT.negated()));
                }
                try {
                    if (free.tryAcquire(RECHECK_MILLIS, TimeUnit.MILLISECONDS)) {
                        return;
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void settle(
            String command,
            @Nullable Integer answer,
            @Nullable Throwable failure,
            IntUnaryOperator onLate,
            CompletableFuture<Integer> settled) {
        if (answer == null) {
            // What the driver does is not known any more, so nothing else may be sent.
            Throwable reason = failure == null ? new IllegalStateException("no answer") : failure;
            LOG.log(
                    Level.ERROR,
                    () -> "device %d: the outcome of %s is unknown".formatted(device, command),
                    reason);
            lost = reason;
            settled.completeExceptionally(reason);
            return;
        }
        LOG.log(
                Level.WARNING,
                () ->
                        "device %d: %s completed late, with %s"
                                .formatted(device, command, text(answer)));
        int outcome;
        try {
            outcome = onLate.applyAsInt(answer);
        } catch (Throwable e) {
            LOG.log(
                    Level.ERROR,
                    () -> "device %d: cannot finish a late %s".formatted(device, command),
                    e);
            free.release();
            settled.completeExceptionally(e);
            return;
        }
        free.release();
        settled.complete(outcome);
    }

    private static String text(int answer) {
        return answer < 0 ? Errno.of(-answer).toString() : Integer.toString(answer);
    }

    /**
     * Waits for the outcome of a command that is late.
     *
     * @throws ControlTimeoutException when it does not come in time
     */
    void awaitLate(String command, Duration patience) {
        CompletableFuture<Integer> before = late;
        try {
            Integer _ = before.get(TimeUnit.NANOSECONDS.convert(patience), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new ControlTimeoutException(command, "device " + device, patience, before);
        } catch (ExecutionException e) {
            throw new IllegalStateException("device %d is lost".formatted(device), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while device %d ends".formatted(device));
        }
    }

    /** {@return what a late command answers at last, whenever that is} */
    static int outcomeOf(ControlTimeoutException late) {
        try {
            return late.outcome().toCompletableFuture().join();
        } catch (CompletionException e) {
            throw new IllegalStateException(late.getMessage(), e.getCause());
        }
    }
}
