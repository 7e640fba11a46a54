package dev.ublk4j.layers;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Keeps changes of a range back while it is copied, and tells when those under way have ended. From
 * the threads of all queues; one thread at a time blocks a range.
 *
 * <p>A change counts itself in before it looks whether its range is blocked; who copies blocks the
 * range before it looks at the count. So one of the two sees the other.
 *
 * <p>Changes are counted in one of two phases, and blocking a range begins the other: what comes
 * later counts elsewhere, so that who copies waits for those alone that were under way before,
 * however many come after them.
 */
final class WriteBarrier {
    /** Changes are counted by windows of the device, which share the counters. */
    private static final int WINDOW_SHIFT = 16;

    private static final int COUNTERS = 64;

    /** The bytes that it is best to block at a time. */
    static final int WINDOW = 1 << WINDOW_SHIFT;

    /** The number of phases; they are numbered from 0 on. */
    static final int PHASES = 2;

    /** What {@link #enter} returns for a range that is blocked. */
    static final int BLOCKED = -1;

    private final AtomicIntegerArray changes = new AtomicIntegerArray(PHASES * COUNTERS);

    private volatile int phase;
    private volatile long blockedFrom;
    private volatile long blockedTo;

    /**
     * Begins a change.
     *
     * @return the phase that it is counted in, to be given to {@link #leave}; or {@link #BLOCKED},
     *     and it has not begun
     */
    int enter(long from, long to) {
        int now = phase;
        count(now, from, to, 1);
        if (from < blockedTo && to > blockedFrom) {
            count(now, from, to, -1);
            return BLOCKED;
        }
        return now;
    }

    /** Counts a change that has begun once more: it ends when it has been left as often. */
    void hold(int entered, long from, long to) {
        count(entered, from, to, 1);
    }

    /** Ends a change that has begun. */
    void leave(int entered, long from, long to) {
        count(entered, from, to, -1);
    }

    private void count(int in, long from, long to, int number) {
        long first = from >>> WINDOW_SHIFT;
        long last = lastOf(first, to);
        for (long window = first; window <= last; window++) {
            changes.addAndGet(in * COUNTERS + (int) (window % COUNTERS), number);
        }
    }

    private static long lastOf(long first, long to) {
        return Math.min((to - 1) >>> WINDOW_SHIFT, first + COUNTERS - 1);
    }

    /** Keeps changes of a range back from now on, in place of another range. */
    void block(long from, long to) {
        // Nothing is let through in between: the new range begins empty.
        blockedTo = 0;
        blockedFrom = from;
        blockedTo = to;
        int before = phase;
        phase = 1 - before;
    }

    /** {@return whether no change of the blocked range is under way that began before it was} */
    boolean isQuiet() {
        int before = 1 - phase;
        long first = blockedFrom >>> WINDOW_SHIFT;
        long last = lastOf(first, blockedTo);
        for (long window = first; window <= last; window++) {
            if (changes.get(before * COUNTERS + (int) (window % COUNTERS)) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Lets changes through again. */
    void unblock() {
        blockedTo = 0;
    }
}
