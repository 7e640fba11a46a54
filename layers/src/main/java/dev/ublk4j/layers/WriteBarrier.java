package dev.ublk4j.layers;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Keeps changes of a range back while it is copied, and tells when those under way have ended. From
 * the threads of all queues; one thread at a time blocks a range.
 *
 * <p>A change counts itself in before it looks whether its range is blocked; who copies blocks the
 * range before it looks at the count. So one of the two sees the other.
 */
final class WriteBarrier {
    /** Changes are counted by windows of the device, which share the counters. */
    private static final int WINDOW_SHIFT = 16;

    private static final int COUNTERS = 64;

    /** The bytes that it is best to block at a time. */
    static final int WINDOW = 1 << WINDOW_SHIFT;

    private final AtomicIntegerArray changes = new AtomicIntegerArray(COUNTERS);

    private volatile long blockedFrom;
    private volatile long blockedTo;

    /**
     * Begins a change.
     *
     * @return whether it may go on; if not it has not begun
     */
    boolean enter(long from, long to) {
        count(from, to, 1);
        if (from < blockedTo && to > blockedFrom) {
            count(from, to, -1);
            return false;
        }
        return true;
    }

    /** Counts a change that has begun once more: it ends when it has been left as often. */
    void hold(long from, long to) {
        count(from, to, 1);
    }

    /** Ends a change that has begun. */
    void leave(long from, long to) {
        count(from, to, -1);
    }

    private void count(long from, long to, int number) {
        long first = from >>> WINDOW_SHIFT;
        long last = Math.min((to - 1) >>> WINDOW_SHIFT, first + COUNTERS - 1);
        for (long window = first; window <= last; window++) {
            changes.addAndGet((int) (window % COUNTERS), number);
        }
    }

    /** Keeps changes of a range back from now on, in place of another range. */
    void block(long from, long to) {
        // Nothing is let through in between: the new range begins empty.
        blockedTo = 0;
        blockedFrom = from;
        blockedTo = to;
    }

    /** {@return whether no change of the blocked range is under way} */
    boolean isQuiet() {
        long first = blockedFrom >>> WINDOW_SHIFT;
        long last = Math.min((blockedTo - 1) >>> WINDOW_SHIFT, first + COUNTERS - 1);
        for (long window = first; window <= last; window++) {
            if (changes.get((int) (window % COUNTERS)) != 0) {
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
