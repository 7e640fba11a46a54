package dev.ublk4j.linux;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * The moment at which a wait is given up, on the clock of {@link System#nanoTime}.
 *
 * <p>One deadline serves a whole wait, however many calls that is made of: each call gets what is
 * {@linkplain #left left}. A value; any thread.
 */
public final class Deadline {
    /** A time that never passes: every duration over 292 years is as long. */
    public static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    private static final long NEVER_NANOS = Long.MAX_VALUE;
    private static final Deadline NEVER = new Deadline(0, NEVER_NANOS);

    private final long startNanos;
    private final long timeNanos;

    private Deadline(long startNanos, long timeNanos) {
        this.startNanos = startNanos;
        this.timeNanos = timeNanos;
    }

    /** {@return the moment after some time from now; one that is over if the time is negative} */
    public static Deadline in(Duration time) {
        long nanos = TimeUnit.NANOSECONDS.convert(time);
        return nanos == NEVER_NANOS ? NEVER : new Deadline(System.nanoTime(), nanos);
    }

    /** {@return a moment that does not come} */
    public static Deadline never() {
        return NEVER;
    }

    /** {@return whether the moment has come} */
    public boolean isOver() {
        return leftNanos() == 0;
    }

    /** {@return the nanoseconds until then, 0 when it is over, {@link Long#MAX_VALUE} for never} */
    public long leftNanos() {
        if (timeNanos == NEVER_NANOS) {
            return NEVER_NANOS;
        }
        return Math.max(0, timeNanos - (System.nanoTime() - startNanos));
    }

    /** {@return the time until then, zero when it is over, {@link #FOREVER} for never} */
    public Duration left() {
        return Duration.ofNanos(leftNanos());
    }

    /**
     * Parks until another thread unparks this one, the deadline is over, or for no reason. An
     * interrupt ends it at once and stays set.
     *
     * @param blocker what is waited for, for thread dumps
     */
    public void park(Object blocker) {
        if (timeNanos == NEVER_NANOS) {
            LockSupport.park(blocker);
        } else {
            LockSupport.parkNanos(blocker, leftNanos());
        }
    }

    /**
     * Looks at something again and again, without regard to interrupts, until it is so.
     *
     * @param pause how long to sleep in between, for what nobody signals
     * @param sought looked at once more when the deadline is over
     * @return whether it was so
     */
    public boolean poll(Duration pause, BooleanSupplier sought) {
        boolean interrupted = false;
        try {
            while (!sought.getAsBoolean()) {
                long left = leftNanos();
                if (left == 0) {
                    return sought.getAsBoolean();
                }
                LockSupport.parkNanos(sought, Math.min(left, pause.toNanos()));
                interrupted |= Thread.interrupted();
            }
            return true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Waits for a condition's signals, holding its lock and without regard to interrupts, until
     * something is so.
     *
     * @param sought looked at holding the lock, first of all and after each signal
     * @return whether it was so
     */
    public boolean await(Condition signal, BooleanSupplier sought) {
        boolean interrupted = false;
        try {
            while (!sought.getAsBoolean()) {
                long left = leftNanos();
                if (left == 0) {
                    return false;
                }
                try {
                    long _ = signal.awaitNanos(left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            return true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** {@return the time that is left, or {@code never}} */
    @Override
    public String toString() {
        return timeNanos == NEVER_NANOS ? "never" : "in " + left();
    }
}
