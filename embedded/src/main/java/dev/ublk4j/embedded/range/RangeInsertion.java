package dev.ublk4j.embedded.range;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Makes the tree that has all the runs of a buffer besides what another tree has.
 *
 * <p>One pass from the root: each node is given the part of the sorted runs that falls under it, a
 * node without a part is taken over as it is, and a leaf merges its part with its own entries into
 * as many leaves as that fills. What overlaps comes to stand next to each other in a merge, or
 * reaches beyond the leaf to the first frame of what follows it, so that no search of its own is
 * needed to find it.
 */
final class RangeInsertion {
    private final long[] firsts;
    private final long[] placements;
    private final NodeList[] levels;

    private RangeInsertion(BufferRuns.Sorted runs, int height) {
        firsts = runs.firsts;
        placements = runs.placements;
        levels = new NodeList[height + 1];
        Arrays.setAll(levels, height_ -> new NodeList());
    }

    /** {@return the tree with the runs, or null if one overlaps another or an entry of the tree} */
    static @Nullable RangeTree insertOrNull(RangeTree tree, BufferRuns.Sorted runs) {
        RangeInsertion insertion = new RangeInsertion(runs, tree.height);
        int count = runs.firsts.length;
        if (!insertion.insert(tree.root, tree.height, 0, count, Leaf.UNUSED)) {
            return null;
        }
        NodeList top = insertion.levels[tree.height];
        int height = tree.height;
        while (top.size() > 1) {
            NodeList above = new NodeList();
            top.packInto(above);
            top = above;
            height++;
        }
        return new RangeTree(top.node(0), height, tree.ranges + count);
    }

    /**
     * Puts the nodes that replace {@code node}, with the runs {@code from} to {@code to},
     * exclusive, on the list of its level.
     *
     * @param limit the first frame that follows the node's in the tree
     * @return whether nothing overlaps
     */
    private boolean insert(Object node, int height, int from, int to, long limit) {
        return height == 0
                ? insertIntoLeaf((long[]) node, from, to, limit)
                : insertUnder((Branch) node, height, from, to, limit);
    }

    private boolean insertUnder(Branch branch, int height, int from, int to, long limit) {
        NodeList below = levels[height - 1];
        below.clear();
        int children = branch.size();
        int kept = 0;
        for (int run = from; run < to; ) {
            int child = Branch.slot(branch.keys, firsts[run]);
            below.addChildren(branch, kept, child);
            kept = child + 1;
            boolean last = kept == children;
            long next = last ? limit : branch.keys[kept];
            int end = last ? to : firstAtLeast(next, run + 1, to);
            if (!insert(branch.children[child], height - 1, run, end, next)) {
                return false;
            }
            run = end;
        }
        below.addChildren(branch, kept, children);
        below.packInto(levels[height]);
        return true;
    }

    /** {@return the first run from {@code from} on that starts at {@code frame} or after it} */
    private int firstAtLeast(long frame, int from, int to) {
        int low = from;
        int step = 1;
        while (low + step < to && firsts[low + step] < frame) {
            low += step;
            step <<= 1;
        }
        int high = Math.min(low + step, to);
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (firsts[middle] < frame) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private boolean insertIntoLeaf(long[] leaf, int from, int to, long limit) {
        int size = Leaf.size(leaf);
        int total = size + to - from;
        boolean fits = total <= Leaf.CAPACITY;
        long[] merged = fits ? Leaf.create() : new long[2 * total];
        if (!merge(leaf, size, from, to, limit, merged)) {
            return false;
        }
        if (fits) {
            levels[0].add(merged[0], merged);
            return true;
        }
        int parts = Math.ceilDiv(total, Leaf.CAPACITY);
        for (int i = 0; i < parts; i++) {
            int start = NodeList.share(total, i, parts);
            int end = NodeList.share(total, i + 1, parts);
            long[] part = Leaf.of(merged, start, end - start);
            levels[0].add(part[0], part);
        }
        return true;
    }

    /** Merges a leaf's ranges with the runs into pairs; returns whether nothing overlaps. */
    private boolean merge(long[] leaf, int size, int from, int to, long limit, long[] pairs) {
        int slot = 0;
        int run = from;
        int at = 0;
        long free = 0;
        while (slot < size || run < to) {
            boolean older = slot < size && (run == to || Leaf.first(leaf, slot) <= firsts[run]);
            long first = older ? Leaf.first(leaf, slot) : firsts[run];
            long placement = older ? Leaf.placement(leaf, slot++) : placements[run++];
            if (first < free) {
                return false;
            }
            pairs[at++] = first;
            pairs[at++] = placement;
            free = first + Placement.frames(placement);
        }
        return free <= limit;
    }
}
