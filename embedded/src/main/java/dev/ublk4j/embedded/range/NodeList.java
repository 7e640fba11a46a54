package dev.ublk4j.embedded.range;

import java.util.Arrays;

/** Nodes of one height in the order of their frames, on their way into the branches above. */
final class NodeList {
    private long[] keys = new long[Branch.CAPACITY + 2];
    private Object[] nodes = new Object[keys.length];
    private int size;

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    Object node(int at) {
        assert at < size : at;
        return nodes[at];
    }

    /**
     * Adds a node that is no smaller than it was, or whose neighbour on the left is not joinable.
     */
    void add(long key, Object node) {
        reserve(1);
        keys[size] = key;
        nodes[size] = node;
        size++;
    }

    /** Adds the children {@code from} to {@code to}, exclusive, of a branch as they are. */
    void addChildren(Branch branch, int from, int to) {
        reserve(to - from);
        System.arraycopy(branch.keys, from, keys, size, to - from);
        System.arraycopy(branch.children, from, nodes, size, to - from);
        size += to - from;
    }

    /**
     * Adds a node that has shrunk, or follows one that has: joins it to its neighbour if it can.
     */
    void addShrunk(long key, Object node) {
        if (size > 0 && joinable(nodes[size - 1], node)) {
            nodes[size - 1] = join(nodes[size - 1], node);
        } else {
            add(key, node);
        }
    }

    /** {@return whether two neighbours of one height fill no more than half a node together} */
    static boolean joinable(Object left, Object right) {
        return left instanceof Branch branch
                ? branch.size() + ((Branch) right).size() <= Branch.CAPACITY / 2
                : Leaf.size((long[]) left) + Leaf.size((long[]) right) <= Leaf.CAPACITY / 2;
    }

    private static Object join(Object left, Object right) {
        return left instanceof Branch branch
                ? join(branch, (Branch) right)
                : Leaf.join((long[]) left, (long[]) right);
    }

    /** {@return two neighbours in one, and the children that come to meet in one if they can be} */
    private static Branch join(Branch left, Branch right) {
        NodeList children = new NodeList();
        children.addChildren(left, 0, left.size());
        children.addShrunk(right.keys[0], right.children[0]);
        children.addChildren(right, 1, right.size());
        return children.branch(0, children.size());
    }

    /** Adds the nodes of this list to the list above, under as few branches as hold them. */
    void packInto(NodeList above) {
        int branches = Math.ceilDiv(size, Branch.CAPACITY);
        for (int i = 0; i < branches; i++) {
            Branch branch = branch(share(size, i, branches), share(size, i + 1, branches));
            above.add(branch.keys[0], branch);
        }
    }

    /** {@return the nodes {@code from} to {@code to}, exclusive, under one branch} */
    Branch branch(int from, int to) {
        assert from < to && to <= size && to - from <= Branch.CAPACITY : from + " to " + to;
        long[] branchKeys = new long[Branch.CAPACITY];
        System.arraycopy(keys, from, branchKeys, 0, to - from);
        Arrays.fill(branchKeys, to - from, Branch.CAPACITY, Leaf.UNUSED);
        return new Branch(branchKeys, Arrays.copyOfRange(nodes, from, to));
    }

    /**
     * {@return where part {@code i} of {@code parts} even parts of {@code total} nodes or ranges
     * begins}
     */
    static int share(int total, int i, int parts) {
        return (int) ((long) total * i / parts);
    }

    private void reserve(int more) {
        if (size + more > keys.length) {
            int capacity = Math.max(2 * keys.length, size + more);
            keys = Arrays.copyOf(keys, capacity);
            nodes = Arrays.copyOf(nodes, capacity);
        }
    }
}
