package dev.ublk4j.qcow2;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Tells when no queue does I/O any more on clusters that it may have looked up before they were let
 * go: such a cluster must not become another's data while a late write is on its way to it.
 *
 * <p>A queue counts its I/O in one of two phases before it looks up where to go, and the allocator
 * changes the phase when nobody is left in the other one. Two changes after a cluster has left the
 * mapping, all I/O has ended that may have found it there.
 */
final class GracePeriod {
    private static final int PHASES = 2;

    /** So that the counters of two queues do not share a line of the processor's cache. */
    private static final int APART = 32;

    private final List<Pins> all = new CopyOnWriteArrayList<>();
    private volatile int changes;

    /** The I/O of one queue, counted by its thread alone. */
    final class Pins implements AutoCloseable {
        private final AtomicIntegerArray counts = new AtomicIntegerArray(PHASES * APART);

        /** Begins to look up; returns the phase. */
        int enter() {
            int phase = changes & 1;
            // Seen by others before anything is looked up: not a plain store.
            counts.set(phase * APART, counts.getPlain(phase * APART) + 1);
            return phase;
        }

        /** Counts once more what has begun. */
        void hold(int phase) {
            counts.setRelease(phase * APART, counts.getPlain(phase * APART) + 1);
        }

        void leave(int phase) {
            counts.setRelease(phase * APART, counts.getPlain(phase * APART) - 1);
        }

        private boolean isEmpty(int phase) {
            return counts.get(phase * APART) == 0;
        }

        @Override
        public void close() {
            all.remove(this);
        }
    }

    Pins pins() {
        Pins pins = new Pins();
        all.add(pins);
        return pins;
    }

    /** {@return a number that {@link #isOver} takes}; by the allocator */
    int now() {
        return changes;
    }

    /** Goes on where nobody is left behind; by the allocator. */
    void advance() {
        int other = (changes + 1) & 1;
        for (Pins pins : all) {
            if (!pins.isEmpty(other)) {
                return;
            }
        }
        int next = changes + 1;
        changes = next;
    }

    /** {@return whether all I/O has ended that began before {@link #now} was asked} */
    boolean isOver(int then) {
        return changes - then >= PHASES;
    }
}
