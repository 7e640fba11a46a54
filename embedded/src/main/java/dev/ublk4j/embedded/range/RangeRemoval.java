package dev.ublk4j.embedded.range;

import java.util.Arrays;

/**
 * Makes the tree that lacks the ranges of a buffer.
 *
 * <p>One pass from the root, only through the nodes that hold such ranges. A node that becomes
 * empty is left out, and one that shrinks is joined to a neighbour if both fit in half a node.
 */
final class RangeRemoval {
    private final long[] firsts;
    private final int buffer;
    private final NodeList[] levels;

    private RangeRemoval(long[] firsts, int buffer, int height) {
        this.firsts = firsts;
        this.buffer = buffer;
        levels = new NodeList[height + 1];
        Arrays.setAll(levels, height_ -> new NodeList());
    }

    /**
     * {@return the tree without the ranges of the buffer, which start at {@code firsts}, sorted}
     */
    static RangeTree remove(RangeTree tree, long[] firsts, int buffer) {
        RangeRemoval removal = new RangeRemoval(firsts, buffer, tree.height);
        removal.remove(tree.root, tree.height, 0, firsts.length);
        NodeList top = removal.levels[tree.height];
        if (top.size() == 0) {
            return RangeTree.EMPTY;
        }
        assert top.size() == 1 : top.size();
        Object root = top.node(0);
        int height = tree.height;
        while (root instanceof Branch branch && branch.size() == 1) {
            root = branch.children[0];
            height--;
        }
        return new RangeTree(root, height, tree.ranges - firsts.length);
    }

    /** Puts what is left of {@code node}, if anything, on the list of its level. */
    private void remove(Object node, int height, int from, int to) {
        if (height == 0) {
            removeFromLeaf((long[]) node, from, to);
        } else {
            removeUnder((Branch) node, height, from, to);
        }
    }

    private void removeUnder(Branch branch, int height, int from, int to) {
        NodeList below = levels[height - 1];
        below.clear();
        int children = branch.size();
        int kept = 0;
        for (int range = from; range < to; ) {
            int child = Branch.slot(branch.keys, firsts[range]);
            keep(branch, kept, child, below);
            kept = child + 1;
            int end = range + 1;
            while (end < to && (kept == children || firsts[end] < branch.keys[kept])) {
                end++;
            }
            remove(branch.children[child], height - 1, range, end);
            range = end;
        }
        keep(branch, kept, children, below);
        if (below.size() > 0) {
            Branch left = below.branch(0, below.size());
            levels[height].addShrunk(left.keys[0], left);
        }
    }

    /** Keeps children that lose nothing; the one before the first of them may have. */
    private static void keep(Branch branch, int from, int to, NodeList below) {
        if (from < to) {
            below.addShrunk(branch.keys[from], branch.children[from]);
            below.addChildren(branch, from + 1, to);
        }
    }

    private void removeFromLeaf(long[] leaf, int from, int to) {
        int size = Leaf.size(leaf);
        long[] left = Leaf.create();
        int range = from;
        int at = 0;
        for (int slot = 0; slot < size; slot++) {
            long first = Leaf.first(leaf, slot);
            long placement = Leaf.placement(leaf, slot);
            if (range < to && first == firsts[range]) {
                assert Placement.buffer(placement) == buffer : first;
                range++;
            } else {
                left[at++] = first;
                left[at++] = placement;
            }
        }
        assert range == to : "no range of buffer " + buffer + " at frame " + firsts[range];
        if (at > 0) {
            levels[0].addShrunk(left[0], left);
        }
    }
}
