package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * What discards and write-zeroes may be, {@link ParamType#UBLK_PARAM_TYPE_DISCARD}.
 *
 * <pre>{@code
 * struct ublk_param_discard {
 *     __u32 discard_alignment;         // bytes
 *     __u32 discard_granularity;       // bytes
 *     __u32 max_discard_sectors;       // sectors
 *     __u32 max_write_zeroes_sectors;  // sectors
 *     __u16 max_discard_segments;
 *     __u16 reserved0;
 * };
 * }</pre>
 */
public final class ParamDiscardLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_discard}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("discard_alignment"),
                            JAVA_INT.withName("discard_granularity"),
                            JAVA_INT.withName("max_discard_sectors"),
                            JAVA_INT.withName("max_write_zeroes_sectors"),
                            JAVA_SHORT.withName("max_discard_segments"),
                            JAVA_SHORT.withName("reserved0"))
                    .withName("ublk_param_discard");

    /** Bytes of one structure. */
    public static final int SIZE = 20;

    private static final VarHandle DISCARD_ALIGNMENT =
            LAYOUT.varHandle(groupElement("discard_alignment"));
    private static final VarHandle DISCARD_GRANULARITY =
            LAYOUT.varHandle(groupElement("discard_granularity"));
    private static final VarHandle MAX_DISCARD_SECTORS =
            LAYOUT.varHandle(groupElement("max_discard_sectors"));
    private static final VarHandle MAX_WRITE_ZEROES_SECTORS =
            LAYOUT.varHandle(groupElement("max_write_zeroes_sectors"));
    private static final VarHandle MAX_DISCARD_SEGMENTS =
            LAYOUT.varHandle(groupElement("max_discard_segments"));
    private static final VarHandle RESERVED0 = LAYOUT.varHandle(groupElement("reserved0"));

    private ParamDiscardLayout() {}

    /** {@return the offset of the first discard unit, bytes} */
    public static int discardAlignment(MemorySegment segment, long base) {
        return (int) DISCARD_ALIGNMENT.get(segment, base);
    }

    /** Sets {@code discard_alignment}, see {@link #discardAlignment(MemorySegment, long)}. */
    public static void discardAlignment(MemorySegment segment, long base, int value) {
        DISCARD_ALIGNMENT.set(segment, base, value);
    }

    /** {@return the bytes of a discard unit} */
    public static int discardGranularity(MemorySegment segment, long base) {
        return (int) DISCARD_GRANULARITY.get(segment, base);
    }

    /** Sets {@code discard_granularity}, see {@link #discardGranularity(MemorySegment, long)}. */
    public static void discardGranularity(MemorySegment segment, long base, int value) {
        DISCARD_GRANULARITY.set(segment, base, value);
    }

    /** {@return the largest discard in sectors} */
    public static int maxDiscardSectors(MemorySegment segment, long base) {
        return (int) MAX_DISCARD_SECTORS.get(segment, base);
    }

    /** Sets {@code max_discard_sectors}, see {@link #maxDiscardSectors(MemorySegment, long)}. */
    public static void maxDiscardSectors(MemorySegment segment, long base, int value) {
        MAX_DISCARD_SECTORS.set(segment, base, value);
    }

    /** {@return the largest write-zeroes in sectors} */
    public static int maxWriteZeroesSectors(MemorySegment segment, long base) {
        return (int) MAX_WRITE_ZEROES_SECTORS.get(segment, base);
    }

    /**
     * Sets {@code max_write_zeroes_sectors}, see {@link #maxWriteZeroesSectors(MemorySegment,
     * long)}.
     */
    public static void maxWriteZeroesSectors(MemorySegment segment, long base, int value) {
        MAX_WRITE_ZEROES_SECTORS.set(segment, base, value);
    }

    /** {@return the most ranges in one discard} */
    public static int maxDiscardSegments(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) MAX_DISCARD_SEGMENTS.get(segment, base));
    }

    /** Sets {@code max_discard_segments}, see {@link #maxDiscardSegments(MemorySegment, long)}. */
    public static void maxDiscardSegments(MemorySegment segment, long base, int value) {
        MAX_DISCARD_SEGMENTS.set(segment, base, (short) value);
    }

    /** {@return the unused {@code reserved0}} */
    public static int reserved0(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) RESERVED0.get(segment, base));
    }

    /** Sets {@code reserved0}, see {@link #reserved0(MemorySegment, long)}. */
    public static void reserved0(MemorySegment segment, long base, int value) {
        RESERVED0.set(segment, base, (short) value);
    }
}
