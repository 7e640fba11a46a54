package dev.ublk4j.embedded.range;

import java.util.Arrays;

/**
 * Hands out the lowest free buffer index of 16 bits, in three steps however many are taken.
 *
 * <p>A set bit means free. {@code words} has a bit for each index, {@code groups} a bit for each
 * word with a free index, {@code top} a bit for each group with such a word. Not for several
 * threads at once.
 */
final class BufferIndexes {
    /** How many indexes there are. */
    static final int COUNT = 1 << 16;

    private static final int BITS = 6;
    private static final int MASK = Long.SIZE - 1;

    private final long[] words = new long[COUNT >>> BITS];
    private final long[] groups = new long[words.length >>> BITS];
    private long top;
    private int taken;

    BufferIndexes() {
        releaseAll();
    }

    /** {@return the lowest free index, now taken; or -1 when none is free} */
    int take() {
        if (top == 0) {
            return -1;
        }
        int group = Long.numberOfTrailingZeros(top);
        int word = group << BITS | Long.numberOfTrailingZeros(groups[group]);
        int bit = Long.numberOfTrailingZeros(words[word]);
        words[word] &= ~(1L << bit);
        if (words[word] == 0) {
            groups[group] &= ~(1L << (word & MASK));
            if (groups[group] == 0) {
                top &= ~(1L << group);
            }
        }
        taken++;
        return word << BITS | bit;
    }

    /** Makes a taken index free. */
    void release(int index) {
        assert isTaken(index) : index;
        int word = index >>> BITS;
        int group = word >>> BITS;
        words[word] |= 1L << (index & MASK);
        groups[group] |= 1L << (word & MASK);
        top |= 1L << group;
        taken--;
    }

    /** Makes every index free. */
    void releaseAll() {
        Arrays.fill(words, -1);
        Arrays.fill(groups, -1);
        top = (1L << groups.length) - 1;
        taken = 0;
    }

    /** {@return whether {@code index} is taken} */
    boolean isTaken(int index) {
        return (words[index >>> BITS] & 1L << (index & MASK)) == 0;
    }

    /** {@return how many indexes are taken} */
    int taken() {
        return taken;
    }

    @Override
    public String toString() {
        return taken + " of " + COUNT + " indexes taken";
    }
}
