package dev.ublk4j.sharedmemory;

import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;

/** A ring that exists for its buffer table: a buffer that is registered has its pages pinned. */
final class PinRing implements AutoCloseable {
    /** Slots of a table, the most a ring has. */
    static final int SLOTS = 16384;

    /** The longest buffer of one slot, bytes. */
    static final long MAX_LENGTH = 1L << 30;

    private final Ring ring;
    private final int[] free = new int[SLOTS];
    private int freeCount;

    PinRing() {
        ring = Ring.open(RingOptions.defaults().withEntries(1).withSingleIssuer(false));
        try {
            ring.registerSparseBuffers(SLOTS);
        } catch (RuntimeException e) {
            ring.close();
            throw e;
        }
        while (freeCount < SLOTS) {
            free[freeCount] = SLOTS - 1 - freeCount;
            freeCount++;
        }
    }

    boolean isFull() {
        return freeCount == 0;
    }

    /** Pins memory in a free slot. */
    BufferSlot pin(long address, long length) {
        int index = free[freeCount - 1];
        ring.updateBuffer(index, address, length);
        freeCount--;
        return new BufferSlot(this, index);
    }

    /** Unpins what a slot holds. */
    void unpin(int index) {
        ring.clearBuffer(index);
        free[freeCount++] = index;
    }

    /**
     * Unpins everything.
     *
     * <p>Buffers are taken back before the ring is closed, because the kernel tears a closed ring
     * down some time later.
     */
    @Override
    public void close() {
        ring.unregisterBuffers();
        ring.close();
    }
}
