package dev.ublk4j.embedded.range;

import java.util.Arrays;
import java.util.Objects;

/**
 * The frames of one buffer in buffer order, as runs of consecutive ones.
 *
 * <p>Add the buffer's memory from its first byte to its last; what continues the run before it is
 * joined to that run, as the kernel's driver does. Then hand it to {@link
 * RangeTable#register(BufferRuns, int)}, which leaves it as it is. Not for several threads at once.
 */
public final class BufferRuns {
    /** Runs up to this many are sorted by insertion. */
    private static final int FEW = 48;

    private static final int DIGIT_BITS = 8;
    private static final int DIGITS = 1 << DIGIT_BITS;

    private long[] firsts;
    private long[] placements;
    private int runs;
    private int frames;

    /** Starts a buffer without memory. */
    public BufferRuns() {
        this(8);
    }

    private BufferRuns(int capacity) {
        firsts = new long[capacity];
        placements = new long[capacity];
    }

    /**
     * {@return the runs of the frames of a buffer, given in buffer order}
     *
     * @throws IllegalArgumentException as {@link #add} does
     */
    public static BufferRuns ofFrames(long... frames) {
        BufferRuns runs = new BufferRuns(Math.clamp(frames.length, 1, 1024));
        for (int i = 0; i < frames.length; ) {
            long first = frames[i];
            int count = 1;
            while (i + count < frames.length && frames[i + count] == first + count) {
                count++;
            }
            runs.add(first, count);
            i += count;
        }
        return runs;
    }

    /**
     * Adds the next {@code count} frames of the buffer, which start at {@code firstFrame}.
     *
     * @throws IllegalArgumentException if a frame is outside 0 to 2^52-1, if {@code count} is not
     *     positive, or if the buffer would have more than 4 GiB
     */
    public BufferRuns add(long firstFrame, int count) {
        if (count <= 0 || count > Placement.MAX_BUFFER_FRAMES - frames) {
            throw new IllegalArgumentException(
                    "count=%d, added=%d, limit=%d"
                            .formatted(count, frames, Placement.MAX_BUFFER_FRAMES));
        }
        if (firstFrame < 0 || firstFrame > Placement.MAX_FRAME - (count - 1)) {
            throw new IllegalArgumentException(
                    "firstFrame=%d, count=%d".formatted(firstFrame, count));
        }
        if (runs > 0 && firstFrame == end(runs - 1)) {
            placements[runs - 1] = Placement.longer(placements[runs - 1], count);
        } else {
            if (runs == firsts.length) {
                firsts = Arrays.copyOf(firsts, 2 * runs);
                placements = Arrays.copyOf(placements, 2 * runs);
            }
            firsts[runs] = firstFrame;
            placements[runs] = Placement.run(frames, count);
            runs++;
        }
        frames += count;
        return this;
    }

    /** {@return the frames of the buffer} */
    public int frames() {
        return frames;
    }

    /** {@return the runs of the buffer} */
    public int runs() {
        return runs;
    }

    private long end(int run) {
        return firsts[run] + Placement.frames(placements[run]);
    }

    /** {@return the runs in the order of their frames, as runs of a buffer} */
    Sorted sorted(int buffer, int flags) {
        Sorted sorted = inOrder();
        long owner = Placement.owner(buffer, flags);
        for (int i = 0; i < runs; i++) {
            sorted.placements[i] |= owner;
        }
        return sorted;
    }

    private Sorted inOrder() {
        Sorted copy = new Sorted(Arrays.copyOf(firsts, runs), Arrays.copyOf(placements, runs));
        long differing = 0;
        boolean ascending = true;
        for (int i = 1; i < runs; i++) {
            differing |= firsts[i] ^ firsts[0];
            ascending &= firsts[i - 1] <= firsts[i];
        }
        if (ascending) {
            return copy;
        }
        return runs <= FEW ? byInsertion(copy) : byDigits(copy, differing);
    }

    private static Sorted byInsertion(Sorted sorted) {
        long[] firsts = sorted.firsts;
        long[] placements = sorted.placements;
        for (int i = 1; i < firsts.length; i++) {
            long first = firsts[i];
            long placement = placements[i];
            int at = i;
            for (; at > 0 && firsts[at - 1] > first; at--) {
                firsts[at] = firsts[at - 1];
                placements[at] = placements[at - 1];
            }
            firsts[at] = first;
            placements[at] = placement;
        }
        return sorted;
    }

    /** Sorts digit by digit from the lowest, leaving out those in which no two runs differ. */
    private static Sorted byDigits(Sorted unsorted, long differing) {
        Sorted from = unsorted;
        int runs = from.firsts.length;
        Sorted to = new Sorted(new long[runs], new long[runs]);
        int[] ends = new int[DIGITS];
        for (int shift = 0; differing >>> shift != 0; shift += DIGIT_BITS) {
            if ((differing >>> shift & DIGITS - 1) == 0) {
                continue;
            }
            Arrays.fill(ends, 0);
            for (long first : from.firsts) {
                ends[digit(first, shift)]++;
            }
            for (int digit = 1; digit < DIGITS; digit++) {
                ends[digit] += ends[digit - 1];
            }
            for (int i = runs - 1; i >= 0; i--) {
                int at = --ends[digit(from.firsts[i], shift)];
                to.firsts[at] = from.firsts[i];
                to.placements[at] = from.placements[i];
            }
            Sorted done = to;
            to = from;
            from = done;
        }
        return from;
    }

    private static int digit(long first, int shift) {
        return (int) (first >>> shift) & DIGITS - 1;
    }

    @Override
    public String toString() {
        return "BufferRuns[frames=" + frames + ", runs=" + runs + "]";
    }

    /** Runs in the order of their frames: where each begins, and the word that goes with it. */
    static final class Sorted {
        final long[] firsts;
        final long[] placements;

        private Sorted(long[] firsts, long[] placements) {
            this.firsts = Objects.requireNonNull(firsts);
            this.placements = Objects.requireNonNull(placements);
        }
    }
}
