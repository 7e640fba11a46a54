package dev.ublk4j.client;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/** The numbers that are free, of 0 to a bound. Any thread, without locks and without allocation. */
final class FreeIndexes {
    /*
     * A stack that is linked through an array. The head is a number, and in the upper half of the word a
     * count of changes: a thread that was held up between reading the head's successor and exchanging the
     * head fails even when the same number is on top again meanwhile, with another successor.
     */
    private static final int NONE = -1;

    private final AtomicIntegerArray next;
    private final AtomicLong head = new AtomicLong();

    /** Makes all of at least one number free. */
    FreeIndexes(int count) {
        next = new AtomicIntegerArray(count);
        for (int i = 0; i < count; i++) {
            next.set(i, i + 1 < count ? i + 1 : NONE);
        }
    }

    private static long top(int index, long before) {
        return ((before >>> 32) + 1) << 32 | (index & 0xffff_ffffL);
    }

    /** {@return a number that is free no more, or -1 when none is} */
    int take() {
        while (true) {
            long before = head.get();
            int index = (int) before;
            if (index == NONE) {
                return NONE;
            }
            if (head.compareAndSet(before, top(next.get(index), before))) {
                return index;
            }
        }
    }

    /** Frees a number that was taken. */
    void give(int index) {
        while (true) {
            long before = head.get();
            next.set(index, (int) before);
            if (head.compareAndSet(before, top(index, before))) {
                return;
            }
        }
    }
}
