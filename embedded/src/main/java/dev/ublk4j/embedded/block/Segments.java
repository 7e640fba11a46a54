package dev.ublk4j.embedded.block;

import dev.ublk4j.linux.Pages;
import java.util.Arrays;
import java.util.Objects;

/**
 * Where the data of a submission or a request lies: pieces of memory in the order of the sectors.
 *
 * <p>A segment is a {@code bio_vec}: a frame, an offset in it and a length; a segment longer than
 * the rest of its frame goes on in the frames that follow. A frame holds a page of the machine
 * ({@link Pages}). The list is made to be cleared and filled again; it allocates only when it grows
 * beyond what it ever held. One thread at a time.
 */
public final class Segments {
    private long[] frames;
    private int[] offsets;
    private int[] lengths;
    private int count;
    private long bytes;

    /**
     * Makes an empty list.
     *
     * @param capacity how many segments it holds before it has to grow
     */
    public Segments(int capacity) {
        this.frames = new long[capacity];
        this.offsets = new int[capacity];
        this.lengths = new int[capacity];
    }

    /** Forgets all segments. */
    public void clear() {
        count = 0;
        bytes = 0;
    }

    /**
     * Adds a segment at the end.
     *
     * @param frame number of the first frame
     * @param offset where in the first frame, below the page size
     * @param length bytes, at least 1
     */
    public void add(long frame, int offset, int length) {
        if (frame < 0 || offset < 0 || offset >= Pages.SIZE || length < 1) {
            throw new IllegalArgumentException(
                    "frame=" + frame + ", offset=" + offset + ", length=" + length);
        }
        if (count == frames.length) {
            grow();
        }
        frames[count] = frame;
        offsets[count] = offset;
        lengths[count] = length;
        count++;
        bytes += length;
    }

    private void grow() {
        int capacity = Math.max(8, 2 * count);
        frames = Arrays.copyOf(frames, capacity);
        offsets = Arrays.copyOf(offsets, capacity);
        lengths = Arrays.copyOf(lengths, capacity);
    }

    /** {@return how many segments there are} */
    public int count() {
        return count;
    }

    /** {@return the bytes of all segments} */
    public long bytes() {
        return bytes;
    }

    /** {@return the number of a segment's first frame} */
    public long frame(int index) {
        return frames[Objects.checkIndex(index, count)];
    }

    /** {@return where in its first frame a segment begins, bytes} */
    public int offset(int index) {
        return offsets[Objects.checkIndex(index, count)];
    }

    /** {@return the bytes of a segment} */
    public int length(int index) {
        return lengths[Objects.checkIndex(index, count)];
    }

    /** {@return the segments as {@code frame+offset:length}, for messages} */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int index = 0; index < count; index++) {
            text.append(index == 0 ? "" : ", ").append(frames[index]);
            text.append('+').append(offsets[index]).append(':').append(lengths[index]);
        }
        return text.append(']').toString();
    }
}
