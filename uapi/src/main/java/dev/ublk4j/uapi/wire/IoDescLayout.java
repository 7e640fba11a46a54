package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * One request as the driver describes it to the server: one per tag, written by the driver, mapped
 * read-only by the server.
 *
 * <pre>{@code
 * struct ublksrv_io_desc {
 *     __u32 op_flags;        // operation: bits 0-7, flags: bits 8-31
 *     union {
 *         __u32 nr_sectors;
 *         __u32 nr_zones;    // report zones only
 *     };
 *     __u64 start_sector;    // first sector
 *     __u64 addr;            // server buffer, or index and offset
 * };
 * }</pre>
 *
 * <p>A descriptor is complete when the completion of its fetch has been seen; accesses here are
 * plain, the ring's acquire orders them.
 */
public final class IoDescLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublksrv_io_desc}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("op_flags"),
                            MemoryLayout.unionLayout(
                                    JAVA_INT.withName("nr_sectors"), JAVA_INT.withName("nr_zones")),
                            JAVA_LONG.withName("start_sector"),
                            JAVA_LONG.withName("addr"))
                    .withName("ublksrv_io_desc");

    /** Bytes of one structure. */
    public static final int SIZE = 24;

    /**
     * The most a device may ask for as distance of descriptors, bytes ({@code
     * UBLK_MAX_IO_DESC_SIZE} of the driver).
     */
    public static final int MAX_SIZE = 256;

    private static final VarHandle OP_FLAGS = LAYOUT.varHandle(groupElement("op_flags"));
    private static final VarHandle NR_SECTORS =
            LAYOUT.varHandle(groupElement(1), groupElement("nr_sectors"));
    private static final VarHandle NR_ZONES =
            LAYOUT.varHandle(groupElement(1), groupElement("nr_zones"));
    private static final VarHandle START_SECTOR = LAYOUT.varHandle(groupElement("start_sector"));
    private static final VarHandle ADDR = LAYOUT.varHandle(groupElement("addr"));

    private IoDescLayout() {}

    /** {@return the operation (bits 0 to 7) and the flags (bits 8 to 31) in one} */
    public static int opFlags(MemorySegment segment, long base) {
        return (int) OP_FLAGS.get(segment, base);
    }

    /** Sets {@code op_flags}, see {@link #opFlags(MemorySegment, long)}. */
    public static void opFlags(MemorySegment segment, long base, int value) {
        OP_FLAGS.set(segment, base, value);
    }

    /** {@return the length in 512-byte sectors} */
    public static int nrSectors(MemorySegment segment, long base) {
        return (int) NR_SECTORS.get(segment, base);
    }

    /** Sets {@code nr_sectors}, see {@link #nrSectors(MemorySegment, long)}. */
    public static void nrSectors(MemorySegment segment, long base, int value) {
        NR_SECTORS.set(segment, base, value);
    }

    /** {@return the most zones to report, of {@link IoOp#UBLK_IO_OP_REPORT_ZONES}} */
    public static int nrZones(MemorySegment segment, long base) {
        return (int) NR_ZONES.get(segment, base);
    }

    /** Sets {@code nr_zones}, see {@link #nrZones(MemorySegment, long)}. */
    public static void nrZones(MemorySegment segment, long base, int value) {
        NR_ZONES.set(segment, base, value);
    }

    /** {@return the first 512-byte sector} */
    public static long startSector(MemorySegment segment, long base) {
        return (long) START_SECTOR.get(segment, base);
    }

    /** Sets {@code start_sector}, see {@link #startSector(MemorySegment, long)}. */
    public static void startSector(MemorySegment segment, long base, long value) {
        START_SECTOR.set(segment, base, value);
    }

    /**
     * {@return the server's own buffer address, or with {@link IoFlag#UBLK_IO_F_SHMEM_ZC} a {@link
     * ShmemAddress}}
     */
    public static long addr(MemorySegment segment, long base) {
        return (long) ADDR.get(segment, base);
    }

    /** Sets {@code addr}, see {@link #addr(MemorySegment, long)}. */
    public static void addr(MemorySegment segment, long base, long value) {
        ADDR.set(segment, base, value);
    }

    /** {@return the offset of a tag's descriptor where descriptors follow each other closely} */
    public static long offset(int tag) {
        return (long) tag * SIZE;
    }

    /**
     * {@return the offset of a tag's descriptor}
     *
     * @param ioDescSize the device's {@link DeviceInfo#ioDescSize()}, bytes
     */
    public static long offset(int tag, int ioDescSize) {
        return (long) tag * ioDescSize;
    }

    /** {@return the operation, see {@link IoOp}; {@code ublksrv_get_op}} */
    public static int op(MemorySegment segment, long base) {
        return opFlags(segment, base) & 0xff;
    }

    /**
     * {@return the flags where {@link IoFlag} has them, bits 8 to 31}
     *
     * <p>The header's {@code ublksrv_get_flags} shifts them down by 8, which fits none of the
     * header's own constants.
     */
    public static int flags(MemorySegment segment, long base) {
        return opFlags(segment, base) & ~0xff;
    }

    /**
     * Writes a whole descriptor.
     *
     * @param opFlags an {@link IoOp} and {@link IoFlag}s
     */
    public static void write(
            MemorySegment segment,
            long base,
            int opFlags,
            int nrSectors,
            long startSector,
            long addr) {
        opFlags(segment, base, opFlags);
        nrSectors(segment, base, nrSectors);
        startSector(segment, base, startSector);
        addr(segment, base, addr);
    }
}
