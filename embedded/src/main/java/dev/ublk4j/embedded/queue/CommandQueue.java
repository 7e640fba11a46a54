package dev.ublk4j.embedded.queue;

import java.util.Arrays;

/** The io commands that a queue thread has queued, in order. It grows and never shrinks. */
final class CommandQueue {
    private int capacity = 64;
    private int[] words = new int[4 * capacity];
    private long[] longs = new long[2 * capacity];
    private int head;
    private int tail;

    void add(int commandOp, int queueId, int tag, int result, long address, long userData) {
        if (tail - head == capacity) {
            grow();
        }
        int at = tail++ & (capacity - 1);
        words[4 * at] = commandOp;
        words[4 * at + 1] = queueId;
        words[4 * at + 2] = tag;
        words[4 * at + 3] = result;
        longs[2 * at] = address;
        longs[2 * at + 1] = userData;
    }

    private void grow() {
        int size = capacity;
        int first = head & (capacity - 1);
        int[] newWords = new int[8 * size];
        long[] newLongs = new long[4 * size];
        System.arraycopy(words, 4 * first, newWords, 0, 4 * (size - first));
        System.arraycopy(words, 0, newWords, 4 * (size - first), 4 * first);
        System.arraycopy(longs, 2 * first, newLongs, 0, 2 * (size - first));
        System.arraycopy(longs, 0, newLongs, 2 * (size - first), 2 * first);
        words = newWords;
        longs = newLongs;
        capacity = 2 * size;
        head = 0;
        tail = size;
    }

    boolean isEmpty() {
        return head == tail;
    }

    int size() {
        return tail - head;
    }

    /** {@return where the first command is, for the accessors, until one is added} */
    int next() {
        return head++ & (capacity - 1);
    }

    int commandOp(int at) {
        return words[4 * at];
    }

    int queueId(int at) {
        return words[4 * at + 1];
    }

    int tag(int at) {
        return words[4 * at + 2];
    }

    int result(int at) {
        return words[4 * at + 3];
    }

    long address(int at) {
        return longs[2 * at];
    }

    long userData(int at) {
        return longs[2 * at + 1];
    }

    @Override
    public String toString() {
        return size() + " commands of " + Arrays.toString(new int[] {capacity});
    }
}
