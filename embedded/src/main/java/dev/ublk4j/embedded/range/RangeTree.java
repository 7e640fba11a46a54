package dev.ublk4j.embedded.range;

/**
 * An immutable B-tree of page-frame ranges that do not overlap.
 *
 * <p>A tree is a value: {@link RangeInsertion} and {@link RangeRemoval} make another one from it,
 * which shares all the nodes that did not have to differ. Any number of threads may look frames up.
 */
final class RangeTree {
    /*
     * Shape:
     * ------
     * All leaves have the same depth. A leaf holds up to 16 ranges, 16 bytes each: the first
     * frame, and one word with the number of frames, the buffer, its flags and the offset in the
     * buffer. The kernel keeps the same facts in a maple tree [1], whose nodes hold pivots, the
     * ends of ranges, and treat gaps as ranges with a null. Here a range carries its own length
     * instead, so gaps take no room and a node of ranges far apart holds twice as many. A branch
     * holds up to 64 children and, for each, the lowest first frame beneath it, exactly: what a
     * branch says is also the first frame of a range, and an insertion learns from it where the
     * neighbouring subtree begins.
     *
     * A full tree of height 2 has 65,536 ranges, one of height 3 has four million. Ranges that
     * adjoin are never joined, not even those of one buffer that follow each other in it: the
     * kernel does not either, and a request's segment that crosses from one to the other does not
     * match [2].
     *
     * Look-up:
     * --------
     * Each level is one search within a node, see Branch.slot. It has no branch that depends on
     * the frame: three keys select a quarter of the node, three more a quarter of that, until a
     * slot is left. Unused slots have a key above all frames, so neither the size of the node nor
     * an empty tree is a case. The leaf's slot may be one whose range ends before the frame or, at
     * the low end of the tree, begins after it: one unsigned comparison with the number of frames
     * finds both. The answer is a word of 64 bits, the placement of the frame asked for, and so
     * nothing is allocated.
     *
     * While the tree fits in the processor's own caches a look-up costs its instructions, some ten
     * nanoseconds a level. A million ranges far apart do not fit, and then it costs the misses,
     * above all that of the leaf. That is why a leaf is small and keeps the two words of a range
     * together: it is four or five lines of cache, most of which are asked for at the same time.
     * Where ranges lie close together look-ups do not come here at all, see DenseRegions.
     *
     * Readers and writers:
     * --------------------
     * No node changes once it can be reached from a published tree. A writer copies the nodes on
     * the paths to what it changes, from the leaves up to the root; the table then publishes the
     * new tree with one release store (RangeTable.tree), and a reader obtains it with one acquire
     * load. All the stores that filled the new nodes come before that store in the writer's order,
     * all the loads of a look-up come after that load in the reader's; so whoever sees the new
     * tree sees its nodes complete. The nodes it shares with older trees were published by the
     * stores before, which the same writer, or the one before it under the device's lock, had
     * seen. Nothing else is ordered, and nothing needs to be: a reader works within the one tree
     * it has loaded.
     *
     * Hence a buffer's ranges appear all at once and vanish all at once, a request that is matched
     * within one tree sees every segment at the same moment, and a registration that fails leaves
     * nothing behind because nothing had been done: the tree under construction is forgotten.
     *
     * A reader may still hold the tree from before a removal when the removal returns. The table
     * does not wait for it; the driver does, by freezing the device around it.
     *
     * What it costs:
     * --------------
     * A range that is inserted or removed alone copies one node a level, under a kilobyte each. A
     * buffer of many ranges copies each node once, however many ranges go into it: inserting is a
     * merge of two sorted sequences, and into an empty tree it is a bulk load that leaves all
     * nodes nearly full. The old nodes are garbage for the collector, which is what lets readers
     * be without locks, hazard pointers or epochs.
     *
     * Balance is kept loosely. A node that overflows is divided evenly into the fewest parts. A
     * node that shrinks is joined to a neighbour under the same branch when both together fill no
     * more than half a node, otherwise it stays, even with a single entry. So neighbours under one
     * branch always have more than half a node's entries together, a level has at most a fraction
     * of the level below, and a tree that is inserted into and removed from at random stays about
     * two thirds full. A stricter rule would borrow from neighbours, and copy more nodes for each
     * removal.
     *
     * What this does not do:
     * ----------------------
     * It cannot find the ranges of a buffer; the table keeps their first frames for that. It has
     * no room for a range of more than 2^20 frames, which is all a buffer may have.
     *
     * [1] lib/maple_tree.c
     * [2] drivers/block/ublk_drv.c, ublk_try_buf_match
     */

    static final RangeTree EMPTY = new RangeTree(Leaf.create(), 0, 0);

    /** A leaf if the height is 0, otherwise a branch. */
    final Object root;

    /** How many branches a look-up passes. */
    final int height;

    /** How many ranges there are. */
    final long ranges;

    RangeTree(Object root, int height, long ranges) {
        this.root = root;
        this.height = height;
        this.ranges = ranges;
    }

    /** {@return the placement of {@code frame}, or {@link Placement#NONE}} */
    long find(long frame) {
        if (frame >>> 52 != 0) {
            return Placement.NONE;
        }
        Object node = root;
        for (int level = height; level > 0; level--) {
            Branch branch = (Branch) node;
            node = branch.children[Branch.slot(branch.keys, frame)];
        }
        long[] leaf = (long[]) node;
        int slot = Leaf.slot(leaf, frame);
        long placement = Leaf.placement(leaf, slot);
        long within = frame - Leaf.first(leaf, slot);
        return Long.compareUnsigned(within, Placement.frames(placement)) < 0
                ? Placement.skip(placement, within)
                : Placement.NONE;
    }

    @Override
    public String toString() {
        return "RangeTree[ranges=" + ranges + ", height=" + height + "]";
    }
}
