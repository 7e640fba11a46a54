package dev.ublk4j.embedded.range;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Map;

/**
 * The placement of every frame of some regions, found with one step: which regions those are, and a
 * word for each of their frames.
 *
 * <p>Which regions there are never changes; their words do, under the stamp of {@link
 * DenseRegions}, which also says why there is such a map at all. Any thread may look frames up.
 */
final class FrameMap {
    /** A region has {@code 1 << REGION_SHIFT} frames: 64 MiB of pages. */
    static final int REGION_SHIFT = 14;

    static final int REGION_FRAMES = 1 << REGION_SHIFT;

    /** The answer for a frame of another region: the tree knows. */
    static final long ELSEWHERE = -2;

    static final FrameMap EMPTY = new FrameMap(Map.of());

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    /** What no region is. */
    private static final long FREE = -1;

    /** Places for each region, at least: nearly every look-up ends at the first. */
    private static final int SPARSENESS = 4;

    private static final long[] NO_WORDS = {};

    // A hash table with open addressing, as two arrays.
    private final long[] regions;
    private final long[][] words;
    private final int shift;

    /** Makes a map of regions, each with the words of its frames. */
    FrameMap(Map<Long, long[]> all) {
        int places = Math.max(2, Integer.highestOneBit(all.size() * 2 * SPARSENESS - 1));
        regions = new long[places];
        words = new long[places][];
        shift = Long.numberOfLeadingZeros(places - 1);
        Arrays.fill(regions, FREE);
        Arrays.fill(words, NO_WORDS);
        all.forEach((region, of) -> {
            int place = firstPlace(region);
            while (regions[place] != FREE) {
                place = nextPlace(place);
            }
            regions[place] = region;
            words[place] = of;
        });
    }

    private int firstPlace(long region) {
        return (int) ((region * 0x9e37_79b9_7f4a_7c15L) >>> shift);
    }

    private int nextPlace(int place) {
        return (place + 1) & (regions.length - 1);
    }

    /** {@return the placement of a frame, {@link Placement#NONE}, or {@link #ELSEWHERE}} */
    long find(long frame) {
        long region = frame >>> REGION_SHIFT;
        int place = firstPlace(region);
        while (true) {
            long here = regions[place];
            if (here == region) {
                return (long) WORD.getOpaque(words[place], within(frame));
            }
            if (here == FREE) {
                return ELSEWHERE;
            }
            place = nextPlace(place);
        }
    }

    /** {@return the number of a frame in its region} */
    static int within(long frame) {
        return (int) frame & (REGION_FRAMES - 1);
    }

    /** {@return the words of a region in which nothing is registered} */
    static long[] emptyWords() {
        long[] empty = new long[REGION_FRAMES];
        Arrays.fill(empty, Placement.NONE);
        return empty;
    }

    /** Sets a word that is being read. */
    static void set(long[] words, int within, long placement) {
        WORD.setOpaque(words, within, placement);
    }
}
