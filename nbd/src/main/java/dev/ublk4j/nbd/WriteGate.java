package dev.ublk4j.nbd;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.StampedLock;

/**
 * Keeps writes apart that would undo each other: one that is no whole number of blocks reads its
 * blocks, changes a part and writes them back, and nobody else may write to them meanwhile.
 *
 * <p>Such writes are rare, so they simply have the export for themselves. Any thread may leave.
 */
final class WriteGate {
    private final StampedLock lock = new StampedLock();
    private final AtomicInteger alone = new AtomicInteger();

    /**
     * {@return a stamp for {@link #leave}, or 0 when the write has to wait} For whole blocks,
     * without waiting.
     */
    long tryEnter() {
        // Who wants to be alone must not be kept waiting by those who come later.
        return alone.get() == 0 ? lock.tryReadLock() : 0;
    }

    /** {@return a stamp for {@link #leave}, once it is whole blocks' turn} */
    long enter() {
        return lock.readLock();
    }

    /** {@return a stamp for {@link #leave}, once nobody else writes} */
    long enterAlone() {
        alone.incrementAndGet();
        try {
            return lock.writeLock();
        } finally {
            alone.decrementAndGet();
        }
    }

    void leave(long stamp) {
        lock.unlock(stamp);
    }
}
