package dev.ublk4j.embedded.range;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a {@link FrameMap} of those regions of frames in which many ranges are registered, beside
 * the {@link RangeTree} that has them all.
 *
 * <p>{@link #stamp}, {@link #mapAt} and {@link #isStill} may be called by any thread at any time;
 * everything else by one thread at a time, the table's writer.
 */
final class DenseRegions {
    /*
     * Why:
     * ----
     * A look-up among a million scattered ranges costs the tree two or three misses of the processor's
     * caches one after the other, and so many instructions around them that the next look-up has not
     * begun when they are over. Where the ranges lie close together, as the pages of applications'
     * buffers do, an array with a word for every frame needs one miss and few instructions, and the
     * misses of several look-ups overlap. That is what a page table does.
     *
     * What it costs:
     * --------------
     * A region is 64 MiB of pages, its words are 128 KiB. It has words from `dense` ranges on, so at
     * most 256 bytes a range, 8 where every page is registered; and loses them when it is down to a
     * quarter of that, so that one buffer that comes and goes does not make them come and go. Ranges
     * that are far apart, or large, stay with the tree alone, which is small then.
     *
     * Readers and the writer:
     * -----------------------
     * The tree is the truth. The words are changed in place, so a reader must not trust what it reads
     * during a change: the stamp is odd while the writer changes the table, and even otherwise. A
     * reader takes the stamp; if it is odd it uses the tree. If it is even it reads words, and the tree
     * for frames of other regions, and takes the stamp again: if it is the same, no change has begun in
     * between, so all it read is one state of the table. Otherwise it starts over with the tree, which
     * needs no stamp. So no reader waits or repeats more than once, and the guarantees of the tree hold:
     * a buffer's ranges appear and vanish at once, a request is matched within one state.
     *
     * Order of memory (a sequence lock): the writer's odd stamp comes before its changes by a fence of
     * stores, its even stamp after them by a release; the reader's first look at the stamp is an
     * acquire, its last comes after its other loads by a fence of loads. Words are opaque, so that none
     * is torn or read twice. The arrays of a new map are complete before the map is published by a
     * release, which pairs with the acquire in mapAt.
     *
     * When the heap is full:
     * ----------------------
     * The words are given up, all of them and until the table is cleared: the tree alone is enough.
     */

    /** From how many ranges on a region has words. */
    static final int DENSE = 512;

    private static final int HYSTERESIS = 4;

    private static final VarHandle STAMP;
    private static final VarHandle MAP;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            STAMP = lookup.findVarHandle(DenseRegions.class, "stamp", long.class);
            MAP = lookup.findVarHandle(DenseRegions.class, "map", FrameMap.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A region with ranges, be they few. */
    private static final class Region {
        private int ranges;
        private long @Nullable [] words;
    }

    private final int dense;
    private final Map<Long, Region> regions = new HashMap<>();
    private boolean mapIsStale;
    private boolean gaveUp;

    @SuppressWarnings("UnusedVariable") // through STAMP
    private long stamp;

    /** Written by {@link #publish} alone, read by {@link #mapAt} alone. */
    private FrameMap map = FrameMap.EMPTY;

    /** Makes one that gives words to regions with so many ranges. */
    DenseRegions(int dense) {
        this.dense = dense;
    }

    // ---------------------------------------------------------------------------- readers

    /** {@return the number of the state that the table is in; odd while it changes} */
    long stamp() {
        return (long) STAMP.getAcquire(this); // pairs with the release in end
    }

    /** {@return the map of the state with a stamp; an empty one while the table changes} */
    FrameMap mapAt(long seen) {
        return (seen & 1) == 0 ? (FrameMap) MAP.getAcquire(this) : FrameMap.EMPTY;
    }

    /** {@return whether all that was read since the stamp was taken is of one state} */
    boolean isStill(long seen) {
        VarHandle.loadLoadFence();
        return (long) STAMP.getOpaque(this) == seen;
    }

    // ---------------------------------------------------------------------------- the writer

    /** Makes readers use the tree until {@link #end}. */
    void begin() {
        assert (stamp & 1) == 0 : stamp;
        STAMP.setOpaque(this, stamp + 1);
        VarHandle.storeStoreFence(); // the odd stamp is seen by whoever sees a change
    }

    /** Lets readers use the words again. */
    void end() {
        if (mapIsStale) {
            publish();
        }
        STAMP.setRelease(this, stamp + 1); // pairs with the acquire in stamp
    }

    /**
     * Enters the ranges of a buffer.
     *
     * @param with the tree that has them
     */
    void insert(BufferRuns.Sorted ranges, RangeTree with) {
        if (gaveUp) {
            return;
        }
        try {
            count(ranges, with);
            for (int i = 0; i < ranges.firsts.length; i++) {
                fill(ranges.firsts[i], ranges.placements[i]);
            }
        } catch (OutOfMemoryError e) {
            giveUp();
        }
    }

    /** Counts ranges, and gives words to the regions that become dense. */
    private void count(BufferRuns.Sorted ranges, RangeTree with) {
        long current = -1;
        Region region = new Region();
        int before = 0;
        for (int i = 0; i < ranges.firsts.length; i++) {
            long first = ranges.firsts[i];
            long end = first + Placement.frames(ranges.placements[i]);
            for (long at = number(first); at <= number(end - 1); at++) {
                if (at != current) {
                    current = at;
                    region = regions.computeIfAbsent(at, key -> new Region());
                    before = region.ranges;
                }
                region.ranges++;
                if (region.ranges >= dense && region.words == null) {
                    region.words = before == 0 ? FrameMap.emptyWords() : words(at, with);
                    mapIsStale = true;
                }
            }
        }
    }

    /** {@return the words of a region as a tree has them} */
    private static long[] words(long number, RangeTree tree) {
        long[] words = new long[FrameMap.REGION_FRAMES];
        for (int i = 0; i < words.length; i++) {
            words[i] = tree.find((number << FrameMap.REGION_SHIFT) + i);
        }
        return words;
    }

    /**
     * Takes the ranges of a buffer out.
     *
     * @param before the tree that still has them
     */
    void remove(long[] firsts, RangeTree before) {
        if (gaveUp) {
            return;
        }
        try {
            takeOut(firsts, before);
        } catch (OutOfMemoryError e) {
            giveUp();
        }
    }

    private void takeOut(long[] firsts, RangeTree before) {
        for (long first : firsts) {
            int frames = Placement.frames(before.find(first));
            fill(first, frames, Placement.NONE);
            for (long at = number(first); at <= number(first + frames - 1); at++) {
                Region region = regions.get(at);
                assert region != null && region.ranges > 0 : at;
                if (region == null) {
                    continue;
                }
                region.ranges--;
                if (region.words != null && region.ranges < Math.ceilDiv(dense, HYSTERESIS)) {
                    region.words = null;
                    mapIsStale = true;
                }
                if (region.ranges == 0) {
                    regions.remove(at);
                }
            }
        }
    }

    /** Takes all ranges out. */
    void clear() {
        regions.clear();
        gaveUp = false;
        mapIsStale = true;
    }

    private static long number(long frame) {
        return frame >>> FrameMap.REGION_SHIFT;
    }

    private void fill(long first, long placement) {
        fill(first, Placement.frames(placement), placement);
    }

    /** Sets the words of frames to a placement and what follows it, or to none. */
    private void fill(long first, int frames, long placement) {
        long current = -1;
        long @Nullable [] words = null;
        for (int i = 0; i < frames; i++) {
            long frame = first + i;
            if (number(frame) != current) {
                current = number(frame);
                Region region = regions.get(current);
                words = region == null ? null : region.words;
                if (words == null) {
                    // On to the last frame of this region.
                    i += FrameMap.REGION_FRAMES - 1 - FrameMap.within(frame);
                    continue;
                }
            }
            if (words != null) {
                long word = placement < 0 ? placement : Placement.skip(placement, i);
                FrameMap.set(words, FrameMap.within(frame), word);
            }
        }
    }

    private void giveUp() {
        gaveUp = true;
        regions.clear();
        mapIsStale = false;
        set(FrameMap.EMPTY);
    }

    private void publish() {
        mapIsStale = false;
        try {
            Map<Long, long[]> all = new HashMap<>();
            regions.forEach((number, region) -> {
                if (region.words != null) {
                    all.put(number, region.words);
                }
            });
            set(all.isEmpty() ? FrameMap.EMPTY : new FrameMap(all));
        } catch (OutOfMemoryError e) {
            giveUp();
        }
    }

    private void set(FrameMap next) {
        MAP.setRelease(this, next); // pairs with the acquire in mapAt
    }

    /** Throws an {@link AssertionError} if words and tree disagree. For tests. */
    void check(RangeTree tree) {
        if ((stamp & 1) != 0) {
            throw new AssertionError("a change that has not ended: " + stamp);
        }
        regions.forEach((number, region) -> {
            if (region.ranges <= 0 || (region.ranges >= dense && region.words == null)) {
                throw new AssertionError("region " + number + ": " + region.ranges);
            }
            for (int i = 0; region.words != null && i < FrameMap.REGION_FRAMES; i++) {
                long frame = (number << FrameMap.REGION_SHIFT) + i;
                if (map.find(frame) != tree.find(frame)) {
                    throw new AssertionError("frame " + frame + " differs from the tree");
                }
            }
        });
    }

    @Override
    public String toString() {
        long withWords = regions.values().stream().filter(of -> of.words != null).count();
        return "DenseRegions[%d of %d, stamp %d]".formatted(withWords, regions.size(), stamp);
    }
}
