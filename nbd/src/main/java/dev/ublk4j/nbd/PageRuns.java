package dev.ublk4j.nbd;

import dev.ublk4j.linux.Pages;
import java.util.BitSet;

/** Which pages of an area are in use; gives out runs of them. One thread at a time. */
final class PageRuns {
    private final int pages;
    private final BitSet used;

    PageRuns(int pages) {
        this.pages = pages;
        this.used = new BitSet(pages);
    }

    /** {@return how many pages hold so many bytes} */
    static int pages(long bytes) {
        return (int) Pages.count(0, bytes);
    }

    /** {@return how many pages there are} */
    int size() {
        return pages;
    }

    /**
     * {@return the first of so many pages that follow each other, or -1 when there are none} The
     * lowest are given out: they have been used just now, and are in the processor's cache.
     */
    int take(int count) {
        int first = used.nextClearBit(0);
        while (first + count <= pages) {
            int taken = used.nextSetBit(first);
            if (taken < 0 || taken >= first + count) {
                used.set(first, first + count);
                return first;
            }
            first = used.nextClearBit(taken);
        }
        return -1;
    }

    void giveBack(int first, int count) {
        assert used.get(first) && used.get(first + count - 1) : "given back before";
        used.clear(first, first + count);
    }

    boolean isEmpty() {
        return used.isEmpty();
    }
}
