package dev.ublk4j.embedded.range;

import dev.ublk4j.linux.Pages;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What is always true of a range table, checked in one pass over all of it. For tests. */
final class Invariants {
    private final RangeTree tree;
    private final long[] @Nullable [] firsts;
    private final BufferIndexes indexes;

    /** How many ranges of each buffer have been passed. */
    private final int[] rangesOf;

    private final long[] framesOf;
    private final int[] flagsOf;

    /** The frame after the last range passed. */
    private long free;

    private long ranges;

    Invariants(RangeTree tree, long[] @Nullable [] firsts, BufferIndexes indexes) {
        this.tree = tree;
        this.firsts = firsts;
        this.indexes = indexes;
        rangesOf = new int[firsts.length];
        framesOf = new long[firsts.length];
        flagsOf = new int[firsts.length];
    }

    void check() {
        require(tree.height == 0 || ((Branch) tree.root).size() > 1, "a root with one child");
        if (tree.ranges > 0) {
            checkNode(tree.root, tree.height, lowest(tree.root));
        } else {
            require(tree == RangeTree.EMPTY, "an empty tree that is not the empty one");
        }
        require(ranges == tree.ranges, "ranges, said and counted", tree.ranges, ranges);
        int buffers = 0;
        for (int index = 0; index < firsts.length; index++) {
            long[] own = firsts[index];
            require(
                    indexes.isTaken(index) == (own != null),
                    "index taken without a buffer, or the reverse",
                    index);
            if (own != null) {
                buffers++;
                checkBuffer(index, own);
            } else {
                require(rangesOf[index] == 0, "ranges of a free index", index);
            }
        }
        require(buffers == indexes.taken(), "buffers, said and counted", indexes.taken(), buffers);
    }

    private void checkNode(Object node, int height, long key) {
        require(node instanceof Branch == height > 0, "height of a leaf", height);
        if (node instanceof Branch branch) {
            checkBranch(branch, height, key);
        } else {
            checkLeaf((long[]) node, key);
        }
    }

    private void checkBranch(Branch branch, int height, long key) {
        int size = branch.size();
        require(size > 0 && size <= Branch.CAPACITY, "size of a branch", size);
        require(branch.keys[0] == key, "key of a branch, here and above", branch.keys[0], key);
        for (int i = 0; i < Branch.CAPACITY; i++) {
            require(branch.keys[i] == Leaf.UNUSED == i >= size, "key and size", i, size);
        }
        for (int i = 0; i < size; i++) {
            checkNode(branch.children[i], height - 1, branch.keys[i]);
            require(
                    i == 0 || !NodeList.joinable(branch.children[i - 1], branch.children[i]),
                    "joinable neighbours at height",
                    height - 1);
        }
    }

    private void checkLeaf(long[] leaf, long key) {
        int size = Leaf.size(leaf);
        require(size > 0 && leaf.length == 2 * Leaf.CAPACITY, "size of a leaf", size);
        require(leaf[0] == key, "key of a leaf, here and above", leaf[0], key);
        for (int i = 0; i < size; i++) {
            checkRange(Leaf.first(leaf, i), Leaf.placement(leaf, i));
        }
        for (int i = size; i < Leaf.CAPACITY; i++) {
            require(Leaf.first(leaf, i) == Leaf.UNUSED, "slot and size", i, size);
        }
    }

    private void checkRange(long first, long placement) {
        int buffer = Placement.buffer(placement);
        int frames = Placement.frames(placement);
        require(placement >= 0, "placement", placement);
        require(first >= free, "range and the end of the one before", first, free);
        require(
                first + frames - 1 <= Placement.MAX_FRAME,
                "range beyond the last frame",
                first,
                frames);
        require(tree.find(first) == placement, "range not found", first);
        if (rangesOf[buffer] == 0) {
            flagsOf[buffer] = Placement.flags(placement);
        }
        require(flagsOf[buffer] == Placement.flags(placement), "flags of buffer", buffer);
        rangesOf[buffer]++;
        framesOf[buffer] += frames;
        free = first + frames;
        ranges++;
    }

    /** The ranges the buffer knows of are the ones in the tree, and tile it from its start on. */
    private void checkBuffer(int index, long[] own) {
        require(own.length == rangesOf[index], "ranges of buffer", index);
        require(framesOf[index] <= Placement.MAX_BUFFER_FRAMES, "frames of buffer", index);
        boolean[] starts = new boolean[(int) framesOf[index]];
        long sum = 0;
        for (int i = 0; i < own.length; i++) {
            require(i == 0 || own[i - 1] < own[i], "order of the ranges of buffer", index);
            long placement = tree.find(own[i]);
            require(placement != Placement.NONE, "buffer without its range", index, own[i]);
            require(Placement.buffer(placement) == index, "range of another buffer", own[i]);
            int offset = (int) (Placement.offsetBytes(placement) >>> Pages.SHIFT);
            for (int frame = 0; frame < Placement.frames(placement); frame++) {
                require(!starts[offset + frame], "offset had twice, in the range", own[i]);
                starts[offset + frame] = true;
                sum++;
            }
        }
        require(sum == framesOf[index], "frames of buffer", index);
    }

    private static long lowest(Object node) {
        return node instanceof Branch branch ? branch.keys[0] : Leaf.first((long[]) node, 0);
    }

    private static void require(boolean condition, String what, long... values) {
        if (!condition) {
            throw new AssertionError(what + " " + Arrays.toString(values));
        }
    }
}
