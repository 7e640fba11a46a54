package dev.ublk4j.exports;

/**
 * Decides how long a {@link QueueFront} that has nothing to do goes on looking before it lets its
 * thread sleep: longer where that has paid off, not at all where it has not.
 *
 * <p>Sleeping and being woken costs two system calls and a switch, some microseconds. A client that
 * waits for each answer before it asks again comes back within that time; one that pauses does not,
 * and looking out for it would only take a processor from others. One thread at a time; times are
 * those of {@link System#nanoTime}.
 */
final class AdaptiveWait {
    /** A sleep that was no longer than this would have been worth looking through. */
    private final long longestNanos;

    /** The first step up from nothing. */
    private final long shortestNanos;

    private long windowNanos;
    private long idleSince;
    private long asleepSince;
    private boolean idle;
    private boolean asleep;

    /**
     * Begins with the longest time.
     *
     * @param longestNanos how long to look at most; 0 to always sleep at once
     */
    AdaptiveWait(long longestNanos) {
        this.longestNanos = longestNanos;
        this.shortestNanos = longestNanos / 8;
        this.windowNanos = longestNanos;
    }

    /** Notes that there was something to do. */
    void busy() {
        idle = false;
    }

    /** Notes that something to do has ended a sleep. */
    void awake(long now) {
        asleep = false;
        idle = false;
        boolean worthIt = now - asleepSince <= longestNanos;
        windowNanos =
                worthIt
                        ? Math.min(longestNanos, Math.max(shortestNanos, 2 * windowNanos))
                        : windowNanos / 2;
    }

    /** {@return whether the thread is to sleep, which has had nothing to do} */
    boolean sleeps(long now) {
        if (!idle) {
            idle = true;
            idleSince = now;
        }
        return now - idleSince >= windowNanos;
    }

    /** Notes that the thread goes to sleep. */
    void asleep(long now) {
        if (!asleep) {
            asleep = true;
            asleepSince = now;
        }
    }

    /** {@return whether the thread has gone to sleep since it was last busy} */
    boolean isAsleep() {
        return asleep;
    }
}
