package dev.ublk4j.linux.internal;

import java.util.concurrent.locks.LockSupport;

/**
 * The wait of a thread that has to go on although the heap is full: others may free memory.
 *
 * <p>The first use of a class allocates, so whoever needs this has it in a static field from the
 * beginning. Any thread.
 */
public final class FullHeap {
    private static final long PAUSE_NANOS = 1_000_000;

    /** Makes one whose wait allocates nothing any more. */
    public FullHeap() {
        LockSupport.parkNanos(1);
    }

    /** Waits a moment; an interrupt ends it early. */
    public void pause() {
        LockSupport.parkNanos(PAUSE_NANOS);
    }
}
