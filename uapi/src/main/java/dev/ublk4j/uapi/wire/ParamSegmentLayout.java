package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * What segments of a request may be, {@link ParamType#UBLK_PARAM_TYPE_SEGMENT}; none of the three
 * may be 0.
 *
 * <pre>{@code
 * struct ublk_param_segment {
 *     __u64 seg_boundary_mask;
 *     __u32 max_segment_size;   // bytes
 *     __u16 max_segments;
 *     __u8 pad[2];
 * };
 * }</pre>
 */
public final class ParamSegmentLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_segment}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_LONG.withName("seg_boundary_mask"),
                            JAVA_INT.withName("max_segment_size"),
                            JAVA_SHORT.withName("max_segments"),
                            MemoryLayout.sequenceLayout(2, JAVA_BYTE).withName("pad"))
                    .withName("ublk_param_segment");

    /** Bytes of one structure. */
    public static final int SIZE = 16;

    /** The smallest a segment limit may be, bytes. */
    public static final int UBLK_MIN_SEGMENT_SIZE = 4096;

    private static final VarHandle SEG_BOUNDARY_MASK =
            LAYOUT.varHandle(groupElement("seg_boundary_mask"));
    private static final VarHandle MAX_SEGMENT_SIZE =
            LAYOUT.varHandle(groupElement("max_segment_size"));
    private static final VarHandle MAX_SEGMENTS = LAYOUT.varHandle(groupElement("max_segments"));

    private ParamSegmentLayout() {}

    /**
     * {@return the mask of the boundary no segment crosses: a power of two of at least {@link
     * #UBLK_MIN_SEGMENT_SIZE}, minus 1}
     */
    public static long segBoundaryMask(MemorySegment segment, long base) {
        return (long) SEG_BOUNDARY_MASK.get(segment, base);
    }

    /** Sets {@code seg_boundary_mask}, see {@link #segBoundaryMask(MemorySegment, long)}. */
    public static void segBoundaryMask(MemorySegment segment, long base, long value) {
        SEG_BOUNDARY_MASK.set(segment, base, value);
    }

    /** {@return the bytes of the largest segment, at least {@link #UBLK_MIN_SEGMENT_SIZE}} */
    public static int maxSegmentSize(MemorySegment segment, long base) {
        return (int) MAX_SEGMENT_SIZE.get(segment, base);
    }

    /** Sets {@code max_segment_size}, see {@link #maxSegmentSize(MemorySegment, long)}. */
    public static void maxSegmentSize(MemorySegment segment, long base, int value) {
        MAX_SEGMENT_SIZE.set(segment, base, value);
    }

    /** {@return the most segments in one request} */
    public static int maxSegments(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) MAX_SEGMENTS.get(segment, base));
    }

    /** Sets {@code max_segments}, see {@link #maxSegments(MemorySegment, long)}. */
    public static void maxSegments(MemorySegment segment, long base, int value) {
        MAX_SEGMENTS.set(segment, base, (short) value);
    }
}
