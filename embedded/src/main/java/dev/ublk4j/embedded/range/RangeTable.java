package dev.ublk4j.embedded.range;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The registered buffers of one device, found by page frame.
 *
 * <p>{@link #find} and {@link RequestMatcher#match} may be called by any thread at any time, take
 * no lock and allocate nothing. {@link #register}, {@link #unregister}, {@link #clear} and {@link
 * #rangesOf} are called by one thread at a time: the caller's lock. A buffer becomes visible with
 * all its ranges at once, and disappears so. When {@code unregister} has returned, no look-up that
 * begins finds the buffer any more, but one that began before may still answer with it: the driver
 * drains the device around it. {@code register} needs no drain.
 *
 * <p>Errors are negative errnos, the ones that the kernel's driver answers with.
 */
public final class RangeTable {
    /** How many buffers a device can have registered: their indexes have 16 bits. */
    public static final int MAX_BUFFERS = BufferIndexes.COUNT;

    /** {@code -ENOENT}: no such buffer. */
    public static final int NO_ENTRY = -2;

    /** {@code -EEXIST}: a page is registered already, or twice in the buffer. */
    public static final int EXISTS = -17;

    /** {@code -EINVAL}: no index of a buffer. */
    public static final int INVALID = -22;

    /** {@code -ENOSPC}: every index is taken. */
    public static final int NO_SPACE = -28;

    private static final VarHandle TREE;

    static {
        try {
            TREE = MethodHandles.lookup().findVarHandle(RangeTable.class, "tree", RangeTree.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Written by {@link #publish} alone, read by {@link #tree()} alone. */
    private RangeTree tree = RangeTree.EMPTY;

    private final BufferIndexes indexes = new BufferIndexes();

    /** In front of the tree: changed between {@code begin} and {@code end}, with the tree. */
    private final DenseRegions dense;

    /** By buffer index, the first frame of each of its ranges in ascending order. */
    private long[] @Nullable [] firsts = new long[16][];

    /** Makes a table without buffers. */
    public RangeTable() {
        this(DenseRegions.DENSE);
    }

    /** Makes one in which a region of frames is dense from another number of ranges on. */
    RangeTable(int denseRanges) {
        dense = new DenseRegions(denseRanges);
        // The first access through a variable handle allocates. These come before there is anything
        // to lose: once a change is published, it must not fail for want of memory.
        clear(index -> {});
        long _ = find(0);
        boolean _ = dense.isStill(dense.stamp());
    }

    /**
     * {@return where {@code frame} lies: a {@link Placement}, or {@link Placement#NONE}}
     *
     * <p>The placement's offset is that of the frame, and its frames are counted from there to the
     * end of the range. Any {@code long} may be asked for.
     */
    public long find(long frame) {
        long stamp = dense.stamp();
        long placement = dense.mapAt(stamp).find(frame);
        return placement != FrameMap.ELSEWHERE && dense.isStill(stamp)
                ? placement
                : tree().find(frame);
    }

    /**
     * Registers a buffer made of {@code frames}, in the order in which they follow in it.
     *
     * @param flags 0 or {@link Placement#READ_ONLY}
     * @return as {@link #register(BufferRuns, int)}
     * @throws IllegalArgumentException as {@link #register(BufferRuns, int)}, and if there are more
     *     than 2^20 frames, or one outside 0 to 2^52-1
     */
    public int register(long[] frames, int flags) {
        return register(BufferRuns.ofFrames(frames), flags);
    }

    /**
     * Registers a buffer made of {@code runs}.
     *
     * @param flags 0 or {@link Placement#READ_ONLY}
     * @return the buffer's index, the lowest that was free; {@link #NO_SPACE} if none is; {@link
     *     #EXISTS} if one of the frames belongs to a buffer already or comes twice in this one.
     *     After an error the table is as it was
     * @throws IllegalArgumentException if there are no frames, or for an unknown flag
     */
    public int register(BufferRuns runs, int flags) {
        if (runs.frames() == 0) {
            throw new IllegalArgumentException("frames=0");
        }
        if ((flags & ~Placement.READ_ONLY) != 0) {
            throw new IllegalArgumentException("flags=" + flags);
        }
        int index = indexes.take();
        if (index < 0) {
            return NO_SPACE;
        }
        boolean registered = false;
        try {
            BufferRuns.Sorted sorted = runs.sorted(index, flags);
            RangeTree with = RangeInsertion.insertOrNull(tree(), sorted);
            if (with == null) {
                return EXISTS;
            }
            if (index >= firsts.length) {
                firsts = Arrays.copyOf(firsts, Math.min(2 * firsts.length, MAX_BUFFERS));
            }
            firsts[index] = sorted.firsts;
            registered = true;
            dense.begin();
            publish(with);
            dense.insert(sorted, with);
            dense.end();
            return index;
        } finally {
            // The heap may end anywhere above; then, too, the index is free again.
            if (!registered) {
                indexes.release(index);
            }
        }
    }

    /**
     * Forgets a buffer, at a cost that depends on its own ranges and the height of the tree alone.
     *
     * @return 0; {@link #INVALID} if {@code index} is not one of 16 bits; {@link #NO_ENTRY} if no
     *     buffer has it
     */
    public int unregister(int index) {
        if (index < 0 || index >= MAX_BUFFERS) {
            return INVALID;
        }
        long[] own = index < firsts.length ? firsts[index] : null;
        if (own == null) {
            return NO_ENTRY;
        }
        RangeTree before = tree();
        RangeTree without = RangeRemoval.remove(before, own, index);
        firsts[index] = null;
        indexes.release(index);
        dense.begin();
        publish(without);
        dense.remove(own, before);
        dense.end();
        return 0;
    }

    /**
     * Forgets all buffers in one pass over their indexes, whatever the number of ranges.
     *
     * @param released is given the index of each buffer in ascending order, once no look-up that
     *     begins can find any. If it throws, the other buffers are still handed over and the first
     *     exception is thrown at the end, with the others suppressed in it
     */
    public void clear(IntConsumer released) {
        long[] @Nullable [] all = firsts;
        firsts = new long[16][];
        indexes.releaseAll();
        dense.begin();
        publish(RangeTree.EMPTY);
        dense.clear();
        dense.end();
        RuntimeException failure = null;
        for (int index = 0; index < all.length; index++) {
            if (all[index] == null) {
                continue;
            }
            try {
                released.accept(index);
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** {@return the ranges of a buffer in the order of frames; none if no buffer has the index} */
    public List<Range> rangesOf(int index) {
        long[] own = index >= 0 && index < firsts.length ? firsts[index] : null;
        if (own == null) {
            return List.of();
        }
        List<Range> ranges = new ArrayList<>(own.length);
        for (long first : own) {
            ranges.add(Range.of(first, find(first)));
        }
        return ranges;
    }

    /** {@return how many ranges are registered; any thread} */
    public long ranges() {
        return tree().ranges;
    }

    /** {@return how many buffers are registered; to a thread that is not a writer, lately were} */
    public int buffers() {
        return indexes.taken();
    }

    /** {@return how many branches a look-up passes on its way to a leaf; any thread} */
    public int height() {
        return tree().height;
    }

    /** {@return what is in front of the tree} */
    DenseRegions dense() {
        return dense;
    }

    /** {@return the ranges as they are now, for as long as the caller keeps them} */
    RangeTree tree() {
        return (RangeTree) TREE.getAcquire(this); // pairs with the release in publish
    }

    private void publish(RangeTree next) {
        TREE.setRelease(this, next); // pairs with the acquire in tree
    }

    /** Throws an {@link AssertionError} if the tree, the buffers and the indexes disagree. */
    void checkInvariants() {
        new Invariants(tree(), firsts, indexes).check();
        dense.check(tree());
    }

    @Override
    public String toString() {
        RangeTree now = tree();
        return "RangeTable[ranges=%d, buffers=%d, height=%d]"
                .formatted(now.ranges, buffers(), now.height);
    }
}
