package dev.ublk4j.embedded.range;

import java.util.Random;
import java.util.stream.LongStream;

/** Frames to make buffers of. */
final class Frames {
    private Frames() {}

    /** {@return the frames {@code first} to {@code last}, inclusive} */
    static long[] run(long first, long last) {
        return LongStream.rangeClosed(first, last).toArray();
    }

    /** {@return {@code count} frames, {@code step} apart, so that from 2 on no two adjoin} */
    static long[] apart(long first, int count, int step) {
        return LongStream.range(0, count).map(i -> first + i * step).toArray();
    }

    static long[] shuffled(long[] frames, long seed) {
        long[] shuffled = frames.clone();
        Random random = new Random(seed);
        for (int i = shuffled.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            long frame = shuffled[i];
            shuffled[i] = shuffled[j];
            shuffled[j] = frame;
        }
        return shuffled;
    }
}
