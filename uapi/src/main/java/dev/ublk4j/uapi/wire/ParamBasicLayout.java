package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Size and shape of a device, {@link ParamType#UBLK_PARAM_TYPE_BASIC}.
 *
 * <pre>{@code
 * struct ublk_param_basic {
 *     __u32 attrs;               // UBLK_ATTR_*
 *     __u8 logical_bs_shift;     // power of two
 *     __u8 physical_bs_shift;    // power of two
 *     __u8 io_opt_shift;         // power of two
 *     __u8 io_min_shift;         // power of two
 *     __u32 max_sectors;         // sectors
 *     __u32 chunk_sectors;       // sectors
 *     __u64 dev_sectors;         // sectors
 *     __u64 virt_boundary_mask;
 * };
 * }</pre>
 */
public final class ParamBasicLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_basic}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("attrs"),
                            JAVA_BYTE.withName("logical_bs_shift"),
                            JAVA_BYTE.withName("physical_bs_shift"),
                            JAVA_BYTE.withName("io_opt_shift"),
                            JAVA_BYTE.withName("io_min_shift"),
                            JAVA_INT.withName("max_sectors"),
                            JAVA_INT.withName("chunk_sectors"),
                            JAVA_LONG.withName("dev_sectors"),
                            JAVA_LONG.withName("virt_boundary_mask"))
                    .withName("ublk_param_basic");

    /** Bytes of one structure. */
    public static final int SIZE = 32;

    private static final VarHandle ATTRS = LAYOUT.varHandle(groupElement("attrs"));
    private static final VarHandle LOGICAL_BS_SHIFT =
            LAYOUT.varHandle(groupElement("logical_bs_shift"));
    private static final VarHandle PHYSICAL_BS_SHIFT =
            LAYOUT.varHandle(groupElement("physical_bs_shift"));
    private static final VarHandle IO_OPT_SHIFT = LAYOUT.varHandle(groupElement("io_opt_shift"));
    private static final VarHandle IO_MIN_SHIFT = LAYOUT.varHandle(groupElement("io_min_shift"));
    private static final VarHandle MAX_SECTORS = LAYOUT.varHandle(groupElement("max_sectors"));
    private static final VarHandle CHUNK_SECTORS = LAYOUT.varHandle(groupElement("chunk_sectors"));
    private static final VarHandle DEV_SECTORS = LAYOUT.varHandle(groupElement("dev_sectors"));
    private static final VarHandle VIRT_BOUNDARY_MASK =
            LAYOUT.varHandle(groupElement("virt_boundary_mask"));

    private ParamBasicLayout() {}

    /** {@return the attributes, see {@link Attr}} */
    public static int attrs(MemorySegment segment, long base) {
        return (int) ATTRS.get(segment, base);
    }

    /** Sets {@code attrs}, see {@link #attrs(MemorySegment, long)}. */
    public static void attrs(MemorySegment segment, long base, int value) {
        ATTRS.set(segment, base, value);
    }

    /** {@return the logical block size as a power of two, 9 for 512 bytes} */
    public static int logicalBsShift(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) LOGICAL_BS_SHIFT.get(segment, base));
    }

    /** Sets {@code logical_bs_shift}, see {@link #logicalBsShift(MemorySegment, long)}. */
    public static void logicalBsShift(MemorySegment segment, long base, int value) {
        LOGICAL_BS_SHIFT.set(segment, base, (byte) value);
    }

    /** {@return the physical block size as a power of two} */
    public static int physicalBsShift(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) PHYSICAL_BS_SHIFT.get(segment, base));
    }

    /** Sets {@code physical_bs_shift}, see {@link #physicalBsShift(MemorySegment, long)}. */
    public static void physicalBsShift(MemorySegment segment, long base, int value) {
        PHYSICAL_BS_SHIFT.set(segment, base, (byte) value);
    }

    /** {@return the best I/O size as a power of two} */
    public static int ioOptShift(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) IO_OPT_SHIFT.get(segment, base));
    }

    /** Sets {@code io_opt_shift}, see {@link #ioOptShift(MemorySegment, long)}. */
    public static void ioOptShift(MemorySegment segment, long base, int value) {
        IO_OPT_SHIFT.set(segment, base, (byte) value);
    }

    /** {@return the smallest good I/O size as a power of two} */
    public static int ioMinShift(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) IO_MIN_SHIFT.get(segment, base));
    }

    /** Sets {@code io_min_shift}, see {@link #ioMinShift(MemorySegment, long)}. */
    public static void ioMinShift(MemorySegment segment, long base, int value) {
        IO_MIN_SHIFT.set(segment, base, (byte) value);
    }

    /** {@return the largest request in sectors} */
    public static int maxSectors(MemorySegment segment, long base) {
        return (int) MAX_SECTORS.get(segment, base);
    }

    /** Sets {@code max_sectors}, see {@link #maxSectors(MemorySegment, long)}. */
    public static void maxSectors(MemorySegment segment, long base, int value) {
        MAX_SECTORS.set(segment, base, value);
    }

    /**
     * {@return the boundary no request crosses, the zone size of a zoned device, in sectors; 0 for
     * none}
     */
    public static int chunkSectors(MemorySegment segment, long base) {
        return (int) CHUNK_SECTORS.get(segment, base);
    }

    /** Sets {@code chunk_sectors}, see {@link #chunkSectors(MemorySegment, long)}. */
    public static void chunkSectors(MemorySegment segment, long base, int value) {
        CHUNK_SECTORS.set(segment, base, value);
    }

    /** {@return the capacity in sectors} */
    public static long devSectors(MemorySegment segment, long base) {
        return (long) DEV_SECTORS.get(segment, base);
    }

    /** Sets {@code dev_sectors}, see {@link #devSectors(MemorySegment, long)}. */
    public static void devSectors(MemorySegment segment, long base, long value) {
        DEV_SECTORS.set(segment, base, value);
    }

    /** {@return the mask of the boundary that segments of a request meet at} */
    public static long virtBoundaryMask(MemorySegment segment, long base) {
        return (long) VIRT_BOUNDARY_MASK.get(segment, base);
    }

    /** Sets {@code virt_boundary_mask}, see {@link #virtBoundaryMask(MemorySegment, long)}. */
    public static void virtBoundaryMask(MemorySegment segment, long base, long value) {
        VIRT_BOUNDARY_MASK.set(segment, base, value);
    }
}
