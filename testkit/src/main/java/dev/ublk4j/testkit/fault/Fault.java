package dev.ublk4j.testkit.fault;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One thing that goes wrong, and how often it has. A test that sets a fault should look at {@link
 * #struck}: a fault that never struck tests nothing.
 */
public class Fault {
    /** How long a test waits for something that should happen at once. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    /** What happens to the I/O that is struck. */
    enum Effect {
        FAIL,
        SHORTEN,
        HOLD,
        SHUFFLE,
        KILL
    }

    private final FaultPoint point;
    private final Effect effect;
    private final int argument;
    private int matched;
    private int struck;

    /**
     * Describes a fault.
     *
     * @param argument the errno, negated, or the bytes or the window; 0 where there is none
     */
    Fault(FaultPoint point, Effect effect, int argument) {
        this.point = point;
        this.effect = effect;
        this.argument = argument;
    }

    Effect effect() {
        return effect;
    }

    int argument() {
        return argument;
    }

    /** Counts an I/O that is about to start; answers whether the fault strikes it. */
    final synchronized boolean strikes(@Nullable BackendIo io) {
        if (!point.matches(io) || isOver()) {
            return false;
        }
        if (effect == Effect.SHORTEN && (io == null || !io.plain() || io.length() <= argument)) {
            return false;
        }
        if (!point.counts(++matched)) {
            return false;
        }
        struck++;
        notifyAll();
        return true;
    }

    /** Counts an I/O that another fault has struck. */
    final synchronized void skips(@Nullable BackendIo io) {
        if (point.matches(io)) {
            matched++;
        }
    }

    /** {@return whether the fault strikes no more} */
    boolean isOver() {
        return false;
    }

    /** {@return how often the fault has struck} */
    public final synchronized int struck() {
        return struck;
    }

    /**
     * Waits until the fault has struck some times.
     *
     * @throws AssertionError when it has not within 30 seconds
     */
    public final void awaitStruck(int times) {
        awaitCount(times, "strikes of ", this::struck);
    }

    /** A count that is changed with the lock of the fault held, and then notified. */
    interface Count {
        int now();
    }

    final synchronized void awaitCount(int wanted, String what, Count count) {
        Deadline deadline = Deadline.in(PATIENCE);
        boolean interrupted = false;
        while (count.now() < wanted) {
            long left = deadline.leftNanos();
            if (left == 0) {
                throw new AssertionError(
                        "%d of %d %s%s".formatted(count.now(), wanted, what, this));
            }
            try {
                wait(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left)));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        String how =
                switch (effect) {
                    case FAIL -> "fail with " + Errno.of(-argument);
                    case SHORTEN -> "end after " + argument + " bytes";
                    case HOLD -> "are held";
                    case SHUFFLE -> "complete in another order";
                    case KILL -> "kill the server";
                };
        return point + " " + how;
    }
}
