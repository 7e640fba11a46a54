package dev.ublk4j.server;

import dev.ublk4j.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The buffer of each tag of a queue, which requests' data is copied to and from.
 *
 * <p>Pages are touched, and so allocated, by the first request that needs them.
 */
final class IoBuffers {
    private static final MemorySegment NO_DATA = MemorySegment.ofArray(new byte[0]);

    private final MemorySegment memory;
    private final int bufferBytes;

    /** Per tag, the segment of each length that has been asked for, by sectors; for reads. */
    private final MemorySegment[][] writable;

    /** The same for writes, whose data the target must not change. */
    private final MemorySegment[][] readOnly;

    IoBuffers(int depth, int bufferBytes, Arena arena) {
        this.memory = Mapping.anonymous((long) depth * bufferBytes, Mapping.MAP_PRIVATE, arena);
        this.bufferBytes = bufferBytes;
        this.writable = new MemorySegment[depth][bufferBytes / Request.SECTOR + 1];
        this.readOnly = new MemorySegment[depth][bufferBytes / Request.SECTOR + 1];
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
        MemorySegment[] slices = toRead ? readOnly[tag] : writable[tag];
        int sectors = (int) (length / Request.SECTOR);
        MemorySegment slice = slices[sectors];
        if (slice == null) {
            slice = memory.asSlice((long) tag * bufferBytes, length);
            slice = toRead ? slice.asReadOnly() : slice;
            slices[sectors] = slice;
        }
        return slice;
    }

    /** {@return the data of a request that has none} */
    static MemorySegment none() {
        return NO_DATA;
    }
}
