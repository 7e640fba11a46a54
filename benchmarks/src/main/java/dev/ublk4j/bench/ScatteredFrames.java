package dev.ublk4j.bench;

import java.util.SplittableRandom;

/** Page frames as ordinary memory has them: no two next to each other, in no order. */
public final class ScatteredFrames {
    private ScatteredFrames() {}

    /** {@return so many frames, all different, each alone} */
    public static long[] of(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        long[] frames = new long[count];
        for (int i = 0; i < count; i++) {
            frames[i] = 1 + 2L * i;
        }
        for (int i = count - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            long frame = frames[i];
            frames[i] = frames[j];
            frames[j] = frame;
        }
        return frames;
    }
}
