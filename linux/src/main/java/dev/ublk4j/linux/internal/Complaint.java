package dev.ublk4j.linux.internal;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * A line about what does not work for the time being: one when it begins and one when it is over,
 * however often it is tried meanwhile. What a client can cause, and is over at once, is for {@link
 * QuietLog}. One thread at a time, or what it says may be said twice.
 */
public final class Complaint {
    private final Logger log;
    private volatile boolean made;

    /** Makes one that has not been made. */
    public Complaint(Logger log) {
        this.log = log;
    }

    /** Says that something does not work; quietly when that has been said. */
    public void make(Level level, String text) {
        if (made) {
            boolean _ = log(log, Level.DEBUG, text, null);
        } else {
            made = log(log, level, text, null);
        }
    }

    /** Says that it works again, if it has been said that it does not. */
    public void over(String text) {
        if (made) {
            made = !log(log, Level.INFO, text, null);
        }
    }

    /**
     * Logs where nothing may be thrown: without descriptors or memory not even the log may work.
     *
     * @return whether it did
     */
    public static boolean log(Logger log, Level level, String text, @Nullable Throwable cause) {
        try {
            log.log(level, text, cause);
            return true;
        } catch (Throwable e) {
            return false;
        }
    }
}
