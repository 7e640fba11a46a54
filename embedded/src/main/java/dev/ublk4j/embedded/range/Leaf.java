package dev.ublk4j.embedded.range;

import java.util.Arrays;

/**
 * A leaf of a {@link RangeTree}: a bare {@code long[]} with up to {@link #CAPACITY} ranges in
 * ascending order, each a pair of its first frame and its {@link Placement}.
 *
 * <p>The two words of a range lie side by side, so that the search that touches the frame has
 * brought the placement with it. The slots that are not used have the frame {@link #UNUSED}: a
 * search always looks at a whole leaf, and an empty one is no special case.
 */
final class Leaf {
    static final int CAPACITY = 16;

    /** The frame of an empty slot: above every frame, and far from overflow in a difference. */
    static final long UNUSED = 1L << 62;

    private Leaf() {}

    /** {@return an empty leaf} */
    static long[] create() {
        long[] leaf = new long[2 * CAPACITY];
        Arrays.fill(leaf, UNUSED);
        return leaf;
    }

    /** {@return a leaf of {@code count} ranges that are pairs in {@code pairs} too} */
    static long[] of(long[] pairs, int from, int count) {
        long[] leaf = new long[2 * CAPACITY];
        System.arraycopy(pairs, 2 * from, leaf, 0, 2 * count);
        Arrays.fill(leaf, 2 * count, 2 * CAPACITY, UNUSED);
        return leaf;
    }

    static long first(long[] leaf, int slot) {
        return leaf[2 * slot];
    }

    static long placement(long[] leaf, int slot) {
        return leaf[2 * slot + 1];
    }

    static int size(long[] leaf) {
        return first(leaf, 0) == UNUSED ? 0 : slot(leaf, Placement.MAX_FRAME) + 1;
    }

    /**
     * {@return the last slot whose first frame is at most {@code frame}, or 0 if there is none}
     *
     * <p>Why it is written so: see {@link Branch#slot}.
     */
    static int slot(long[] leaf, long frame) {
        long above = frame + 1;
        long block =
                Branch.below(leaf[8], above)
                        + Branch.below(leaf[16], above)
                        + Branch.below(leaf[24], above);
        int start = (int) block << 2;
        int at = 2 * start;
        block =
                Branch.below(leaf[at + 2], above)
                        + Branch.below(leaf[at + 4], above)
                        + Branch.below(leaf[at + 6], above);
        return start + (int) block;
    }

    /** {@return two neighbours in one} */
    static long[] join(long[] left, long[] right) {
        long[] joined = left.clone();
        System.arraycopy(right, 0, joined, 2 * size(left), 2 * size(right));
        return joined;
    }
}
