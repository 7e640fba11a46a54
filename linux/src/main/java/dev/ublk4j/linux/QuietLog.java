package dev.ublk4j.linux;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A kind of line that a client can cause as often as it likes, and that is logged at most once in a
 * period: the first at once, and the next after the period with how many there were meanwhile.
 * Those are logged at {@code DEBUG}. Any thread; nothing is thrown, as without descriptors or
 * memory not even a log may work.
 */
public final class QuietLog {
    private final Logger log;
    private final long periodNanos;
    private final LongSupplier nanoTime;
    private boolean said;
    private long saidAt;
    private long suppressed;

    /** Logs once a minute. */
    public QuietLog(Logger log) {
        this(log, Duration.ofMinutes(1), System::nanoTime);
    }

    /**
     * Logs once in a period.
     *
     * @param period is not negative
     * @param nanoTime a clock like {@link System#nanoTime}
     */
    QuietLog(Logger log, Duration period, LongSupplier nanoTime) {
        this.log = log;
        this.periodNanos = period.toNanos();
        this.nanoTime = nanoTime;
    }

    /** Logs a line, or counts it; see the class. */
    public void log(Level level, Supplier<String> line) {
        log(level, line, null);
    }

    /** Logs a line with what has caused it, or counts it; see the class. */
    public void log(Level level, Supplier<String> line, @Nullable Throwable cause) {
        long missed = due();
        try {
            if (missed < 0) {
                log.log(Level.DEBUG, line, cause);
            } else if (missed == 0) {
                log.log(level, line, cause);
            } else {
                String before = " (and %d such before)".formatted(missed);
                log.log(level, () -> line.get() + before, cause);
            }
        } catch (Throwable e) {
            notSaid(missed);
        }
    }

    private synchronized void notSaid(long missed) {
        if (missed >= 0) {
            said = false;
            suppressed += missed + 1;
        }
    }

    /** {@return how many lines have been left out since the last, or -1 to leave this one out} */
    private synchronized long due() {
        long now = nanoTime.getAsLong();
        if (said && now - saidAt < periodNanos) {
            suppressed++;
            return -1;
        }
        said = true;
        saidAt = now;
        long missed = suppressed;
        suppressed = 0;
        return missed;
    }
}
