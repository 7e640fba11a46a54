package dev.ublk4j.embedded.range;

/**
 * A node above the leaves of a {@link RangeTree}, with up to {@link #CAPACITY} children of one
 * height.
 *
 * <p>Each child has a key, the lowest first frame beneath it. There are always as many keys as
 * there can be; those without a child are {@link Leaf#UNUSED}, so that a search looks at a whole
 * node.
 */
final class Branch {
    static final int CAPACITY = 64;

    final long[] keys;

    /** Branches, or leaves. */
    final Object[] children;

    Branch(long[] keys, Object[] children) {
        assert keys.length == CAPACITY && children.length <= CAPACITY : children.length;
        this.keys = keys;
        this.children = children;
    }

    int size() {
        return children.length;
    }

    /**
     * {@return the last slot whose key is at most {@code frame}, or 0 if there is none}
     *
     * <p>Which slot that is, is as good as random, so a branch on a comparison would be
     * mispredicted every other time, and the loads of the next levels and of the next look-up,
     * begun in the meantime, would be lost. Instead the comparisons are numbers, and their sum is
     * the position.
     */
    static int slot(long[] keys, long frame) {
        long above = frame + 1;
        long block = below(keys[16], above) + below(keys[32], above) + below(keys[48], above);
        int at = (int) block << 4;
        block =
                below(keys[at + 4], above)
                        + below(keys[at + 8], above)
                        + below(keys[at + 12], above);
        at += (int) block << 2;
        block =
                below(keys[at + 1], above)
                        + below(keys[at + 2], above)
                        + below(keys[at + 3], above);
        return at + (int) block;
    }

    /**
     * {@return 1 if {@code key < bound}, otherwise 0: the sign of a difference that cannot
     * overflow}
     */
    static long below(long key, long bound) {
        return (key - bound) >>> 63;
    }
}
