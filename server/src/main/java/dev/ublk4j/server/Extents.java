package dev.ublk4j.server;

import java.util.Arrays;

/** A range cut into runs that hold data and runs that hold nothing, from its start on. */
public final class Extents {
    private final int limit;
    private long[] lengths = new long[16];
    private boolean firstIsData;
    private int count;
    private long described;

    /**
     * Makes an empty list.
     *
     * @param limit how many runs it takes, at least 1
     */
    public Extents(int limit) {
        this.limit = limit;
    }

    /**
     * Adds what follows.
     *
     * @param length bytes; 0 adds nothing
     * @param isData whether it holds data, or may
     * @return whether there may be room for more
     * @throws IllegalArgumentException for fewer than no bytes
     */
    public boolean add(long length, boolean isData) {
        if (length < 0) {
            throw new IllegalArgumentException("a negative number of bytes: " + length);
        }
        if (length == 0) {
            return true;
        }
        if (count == 0) {
            firstIsData = isData;
            append(length);
        } else if (isData(count - 1) == isData) {
            lengths[count - 1] += length;
            described += length;
        } else if (count < limit) {
            append(length);
        } else {
            return false;
        }
        return true;
    }

    private void append(long length) {
        if (count == lengths.length) {
            lengths = Arrays.copyOf(lengths, 2 * count);
        }
        lengths[count] = length;
        described += length;
        count++;
    }

    /** {@return how many runs there are} */
    public int count() {
        return count;
    }

    /** {@return how many bytes from the start are described} */
    public long described() {
        return described;
    }

    /** {@return the bytes of a run} */
    public long length(int run) {
        return lengths[run];
    }

    /** {@return whether a run holds data, or may} */
    public boolean isData(int run) {
        return firstIsData == (run % 2 == 0);
    }
}
