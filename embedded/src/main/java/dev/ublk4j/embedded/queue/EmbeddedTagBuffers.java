package dev.ublk4j.embedded.queue;

import dev.ublk4j.driver.spi.TagBuffers;

/** Buffers of tags in the heap, used in the order in which they have been lent. */
final class EmbeddedTagBuffers implements TagBuffers {
    private final int size;
    private final short[] tags;

    /** Numbers of the buffers that the driver has: the first is the next to be filled. */
    private final int[] lent;

    private int first;
    private int count;

    EmbeddedTagBuffers(int count, int size) {
        this.size = size;
        this.tags = new short[count * size];
        this.lent = new int[count];
        for (int buffer = 0; buffer < count; buffer++) {
            giveBack(buffer);
        }
    }

    /** {@return how many tags fit into a buffer} */
    int size() {
        return size;
    }

    /** {@return the next buffer to fill, or -1 when none is lent} */
    int take() {
        if (count == 0) {
            return -1;
        }
        int buffer = lent[first];
        first = (first + 1) % lent.length;
        count--;
        return buffer;
    }

    void put(int buffer, int index, int tag) {
        tags[buffer * size + index] = (short) tag;
    }

    @Override
    public int tag(int buffer, int index) {
        return Short.toUnsignedInt(tags[buffer * size + index]);
    }

    @Override
    public void giveBack(int buffer) {
        lent[(first + count) % lent.length] = buffer;
        count++;
    }

    @Override
    public void close() {
        count = 0;
    }
}
