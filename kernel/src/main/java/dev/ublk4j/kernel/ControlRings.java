package dev.ublk4j.kernel;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The rings that control commands are sent over, one command at a time each.
 *
 * <p>A command may wait for long (START_DEV for the queues, DEL_DEV for openers), and others must
 * get through meanwhile, so every command under way has a ring of its own; idle rings are kept. A
 * command that did not complete in time is not cancelled, because the kernel's driver would hardly
 * notice: a thread goes on to wait for its outcome.
 */
final class ControlRings implements AutoCloseable {
    /** A control command needs the 80-byte command area of a 128-byte entry. */
    private static final RingOptions OPTIONS =
            RingOptions.defaults().withEntries(4).withSqe128(true).withSingleIssuer(false);

    private static final System.Logger LOG = System.getLogger(ControlRings.class.getName());

    private static final int MAX_IDLE = 4;

    private static final long NO_MEMORY_PAUSE_NANOS = 1_000_000;

    private final ArrayDeque<Ring> idle = new ArrayDeque<>();
    private boolean closed;

    /**
     * Sends a command and waits for its completion.
     *
     * @throws ControlTimeoutException when there is none in time; a thread waits for its outcome
     */
    int send(Fd control, int commandOp, MemorySegment command, Duration timeout) {
        Answer answer = new Answer();
        Deadline deadline = Deadline.in(timeout);
        Ring ring = take();
        boolean kept = false;
        try {
            long area = ring.uringCommand(control.number(), commandOp, 0);
            MemorySegment.copy(command, 0, ring.sqes(), area, ControlCommandLayout.SIZE);
            kept = await(ring, answer, deadline);
            if (!kept) {
                ControlTimeoutException late =
                        lateOrNull(ring, answer, commandOp, command, timeout);
                kept = late != null;
                if (late != null) {
                    throw late;
                }
                // Without a thread that waits, the caller is more patient than it wished to be.
                kept = await(ring, answer, Deadline.never());
            }
            giveBack(ring);
            return answer.result;
        } finally {
            if (!kept) {
                abandon(ring);
            }
        }
    }

    /**
     * {@return whether it completed in time} From here on the command is under way, and only its
     * answer says what has come of it: a heap that is full is waited for.
     */
    private static boolean await(Ring ring, Answer answer, Deadline deadline) {
        while (true) {
            try {
                long left = deadline.leftNanos();
                if (!answer.arrived) {
                    ring.submitAndWait(1, Math.max(left, 1));
                    int _ = ring.drain(answer);
                }
                if (answer.arrived || left == 0) {
                    return answer.arrived;
                }
            } catch (OutOfMemoryError e) {
                LockSupport.parkNanos(NO_MEMORY_PAUSE_NANOS);
            }
        }
    }

    /**
     * {@return the exception for a command that is late, whose outcome a thread waits for; null
     * where there is no memory for either, or no thread}
     */
    private @Nullable ControlTimeoutException lateOrNull(
            Ring ring, Answer answer, int commandOp, MemorySegment command, Duration timeout) {
        try {
            CompletableFuture<Integer> outcome = new CompletableFuture<>();
            ControlTimeoutException late =
                    new ControlTimeoutException(
                            name(commandOp),
                            "device " + ControlCommandLayout.devId(command, 0),
                            timeout,
                            outcome);
            return awaitElsewhere(ring, answer, outcome) ? late : null;
        } catch (OutOfMemoryError e) {
            return null;
        }
    }

    /**
     * {@return whether a thread waits for the completion from now on; the ring is that one's then}
     */
    private boolean awaitElsewhere(Ring ring, Answer answer, CompletableFuture<Integer> outcome) {
        try {
            Thread.ofPlatform()
                    .daemon()
                    .name("ublk-control-late")
                    .start(() -> awaitOutcome(ring, answer, outcome));
            return true;
        } catch (OutOfMemoryError e) {
            LOG.log(Level.WARNING, "no thread to wait for a command", e);
            return false;
        }
    }

    private void awaitOutcome(Ring ring, Answer answer, CompletableFuture<Integer> outcome) {
        Throwable failure = null;
        try {
            boolean answered = await(ring, answer, Deadline.never());
            assert answered;
        } catch (Throwable e) {
            failure = e;
        }
        while (!outcome.isDone()) {
            try {
                if (failure == null) {
                    outcome.complete(answer.result);
                } else {
                    outcome.completeExceptionally(failure);
                }
            } catch (OutOfMemoryError e) {
                LockSupport.parkNanos(NO_MEMORY_PAUSE_NANOS);
            }
        }
        if (failure == null) {
            giveBack(ring);
        } else {
            ring.close();
        }
    }

    private static String name(int commandOp) {
        ControlCommand command = ControlCommand.of(commandOp);
        return command == null ? "0x" + Integer.toHexString(commandOp) : command.cName();
    }

    private Ring take() {
        synchronized (idle) {
            Ring ring = idle.poll();
            if (ring != null) {
                return ring;
            }
        }
        return Ring.open(OPTIONS);
    }

    private void giveBack(Ring ring) {
        synchronized (idle) {
            if (!closed && idle.size() < MAX_IDLE) {
                idle.push(ring);
                return;
            }
        }
        ring.close();
    }

    /**
     * After a failure of the ring itself. Closing waits for the command, which may hang for good:
     * that is left to a thread of its own.
     */
    private static void abandon(Ring ring) {
        Thread.ofPlatform().daemon().name("ublk-control-abandoned").start(ring::close);
    }

    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.forEach(Ring::close);
            idle.clear();
        }
    }

    /** The one completion of a command. */
    private static final class Answer implements CompletionHandler {
        private int result;
        private boolean arrived;

        @Override
        public void onCompletion(long userData, int answer, int flags) {
            result = answer;
            arrived = true;
        }
    }
}
