package dev.ublk4j.embedded.block;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The free tags of one hardware queue. Any thread takes and frees them, without a lock; the lowest
 * free tag is taken.
 */
final class TagSet {
    /** No tag is free. */
    static final int NONE = -1;

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    /** A set bit is a free tag. */
    private final long[] words;

    TagSet(int depth) {
        words = new long[(depth + Long.SIZE - 1) / Long.SIZE];
        for (int tag = 0; tag < depth; tag++) {
            words[tag / Long.SIZE] |= 1L << tag;
        }
    }

    /** {@return a tag that was free and now is not, or {@link #NONE}} */
    int take() {
        for (int index = 0; index < words.length; index++) {
            long free = (long) WORD.getVolatile(words, index);
            while (free != 0) {
                long lowest = Long.lowestOneBit(free);
                long seen = (long) WORD.compareAndExchange(words, index, free, free & ~lowest);
                if (seen == free) {
                    return index * Long.SIZE + Long.numberOfTrailingZeros(lowest);
                }
                free = seen;
            }
        }
        return NONE;
    }

    /** Makes a taken tag free; what was written before is seen by whoever takes it next. */
    void free(int tag) {
        long bit = 1L << tag;
        long before = (long) WORD.getAndBitwiseOr(words, tag / Long.SIZE, bit);
        assert (before & bit) == 0 : "tag " + tag + " was free";
    }

    /** {@return how many tags are free, for display} */
    int free() {
        int count = 0;
        for (int index = 0; index < words.length; index++) {
            count += Long.bitCount((long) WORD.getOpaque(words, index));
        }
        return count;
    }
}
