package dev.ublk4j.server;

import dev.ublk4j.uapi.Sectors;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The buffer of each tag of a queue, which requests' data is copied to and from.
 *
 * <p>Pages are touched, and so allocated, by the first request that needs them.
 */
final class IoBuffers {
    private static final MemorySegment NO_DATA = MemorySegment.ofArray(new byte[0]);

    private final MemorySegment memory;
    private final int bufferBytes;

    /**
     * Per tag, the segment of each length that has been asked for, by sectors; for reads. Made when
     * they are asked for: with large requests and deep queues they would take gigabytes.
     */
    private final @Nullable MemorySegment[][] writable;

    /** The same for writes, whose data the target must not change. */
    private final @Nullable MemorySegment[][] readOnly;

    /**
     * Makes them of the memory that they take.
     *
     * @param memory {@code depth} times the size of a buffer
     */
    IoBuffers(int depth, int bufferBytes, MemorySegment memory) {
        this.memory = memory;
        this.bufferBytes = bufferBytes;
        this.writable = new @Nullable MemorySegment[depth][0];
        this.readOnly = new @Nullable MemorySegment[depth][0];
    }

    /** {@return where a tag's buffer begins} */
    long address(int tag) {
        return memory.address() + (long) tag * bufferBytes;
    }

    /**
     * {@return the first bytes of a tag's buffer}
     *
     * @param length bytes, a multiple of the sector and at most the buffer
     * @param toRead whether they are only read
     */
    MemorySegment slice(int tag, long length, boolean toRead) {
        @Nullable MemorySegment[][] all = toRead ? readOnly : writable;
        int sectors = (int) (length / Sectors.SIZE);
        if (sectors >= all[tag].length) {
            all[tag] = Arrays.copyOf(all[tag], Integer.highestOneBit(sectors) * 2 + 1);
        }
        MemorySegment slice = all[tag][sectors];
        if (slice == null) {
            slice = memory.asSlice((long) tag * bufferBytes, length);
            slice = toRead ? slice.asReadOnly() : slice;
            all[tag][sectors] = slice;
        }
        return slice;
    }

    /** {@return the data of a request that has none} */
    static MemorySegment none() {
        return NO_DATA;
    }
}
