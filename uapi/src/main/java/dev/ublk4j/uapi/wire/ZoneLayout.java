package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.uapi.IoOp;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * One zone of a report, an array of which is the result of {@link IoOp#UBLK_IO_OP_REPORT_ZONES}
 * ({@code linux/blkzoned.h}).
 *
 * <pre>{@code
 * struct blk_zone {
 *     __u64 start;        // sectors
 *     __u64 len;          // sectors
 *     __u64 wp;           // sectors
 *     __u8 type;          // BLK_ZONE_TYPE_*
 *     __u8 cond;          // BLK_ZONE_COND_*
 *     __u8 non_seq;
 *     __u8 reset;
 *     __u8 resv[4];
 *     __u64 capacity;     // sectors
 *     __u8 reserved[24];
 * };
 * }</pre>
 *
 * <p>A last entry of zeros ends a report that is shorter than asked.
 */
public final class ZoneLayout {
    /** Fields in the order, sizes and offsets of {@code struct blk_zone}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_LONG.withName("start"),
                            JAVA_LONG.withName("len"),
                            JAVA_LONG.withName("wp"),
                            JAVA_BYTE.withName("type"),
                            JAVA_BYTE.withName("cond"),
                            JAVA_BYTE.withName("non_seq"),
                            JAVA_BYTE.withName("reset"),
                            MemoryLayout.sequenceLayout(4, JAVA_BYTE).withName("resv"),
                            JAVA_LONG.withName("capacity"),
                            MemoryLayout.sequenceLayout(24, JAVA_BYTE).withName("reserved"))
                    .withName("blk_zone");

    /** Bytes of one structure. */
    public static final int SIZE = 64;

    /** No write pointer: written anywhere. */
    public static final int BLK_ZONE_TYPE_CONVENTIONAL = 1;

    /** Written in order only. */
    public static final int BLK_ZONE_TYPE_SEQWRITE_REQ = 2;

    /** Best written in order. */
    public static final int BLK_ZONE_TYPE_SEQWRITE_PREF = 3;

    /** Has no write pointer. */
    public static final int BLK_ZONE_COND_NOT_WP = 0;

    /** Nothing written yet. */
    public static final int BLK_ZONE_COND_EMPTY = 1;

    /** Opened by a write. */
    public static final int BLK_ZONE_COND_IMP_OPEN = 2;

    /** Opened by a command. */
    public static final int BLK_ZONE_COND_EXP_OPEN = 3;

    /** Partly written, and closed. */
    public static final int BLK_ZONE_COND_CLOSED = 4;

    /** Can be read only. */
    public static final int BLK_ZONE_COND_READONLY = 0xd;

    /** Full, or finished by a command. */
    public static final int BLK_ZONE_COND_FULL = 0xe;

    /** Can be neither read nor written. */
    public static final int BLK_ZONE_COND_OFFLINE = 0xf;

    /** Open or closed, which a cached report does not tell apart. */
    public static final int BLK_ZONE_COND_ACTIVE = 0xff;

    /** A report's {@code capacity} fields are valid. */
    public static final int BLK_ZONE_REP_CAPACITY = 1;

    /** Report from what the kernel remembers. */
    public static final int BLK_ZONE_REP_CACHED = 1 << 31;

    private static final VarHandle START = LAYOUT.varHandle(groupElement("start"));
    private static final VarHandle LEN = LAYOUT.varHandle(groupElement("len"));
    private static final VarHandle WP = LAYOUT.varHandle(groupElement("wp"));
    private static final VarHandle TYPE = LAYOUT.varHandle(groupElement("type"));
    private static final VarHandle COND = LAYOUT.varHandle(groupElement("cond"));
    private static final VarHandle NON_SEQ = LAYOUT.varHandle(groupElement("non_seq"));
    private static final VarHandle RESET = LAYOUT.varHandle(groupElement("reset"));
    private static final VarHandle CAPACITY = LAYOUT.varHandle(groupElement("capacity"));

    private ZoneLayout() {}

    /** {@return the first sector} */
    public static long start(MemorySegment segment, long base) {
        return (long) START.get(segment, base);
    }

    /** Sets {@code start}, see {@link #start(MemorySegment, long)}. */
    public static void start(MemorySegment segment, long base, long value) {
        START.set(segment, base, value);
    }

    /** {@return the length in sectors} */
    public static long len(MemorySegment segment, long base) {
        return (long) LEN.get(segment, base);
    }

    /** Sets {@code len}, see {@link #len(MemorySegment, long)}. */
    public static void len(MemorySegment segment, long base, long value) {
        LEN.set(segment, base, value);
    }

    /** {@return the sector of the write pointer} */
    public static long wp(MemorySegment segment, long base) {
        return (long) WP.get(segment, base);
    }

    /** Sets {@code wp}, see {@link #wp(MemorySegment, long)}. */
    public static void wp(MemorySegment segment, long base, long value) {
        WP.set(segment, base, value);
    }

    /** {@return {@code BLK_ZONE_TYPE_...}} */
    public static int type(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) TYPE.get(segment, base));
    }

    /** Sets {@code type}, see {@link #type(MemorySegment, long)}. */
    public static void type(MemorySegment segment, long base, int value) {
        TYPE.set(segment, base, (byte) value);
    }

    /** {@return {@code BLK_ZONE_COND_...}} */
    public static int cond(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) COND.get(segment, base));
    }

    /** Sets {@code cond}, see {@link #cond(MemorySegment, long)}. */
    public static void cond(MemorySegment segment, long base, int value) {
        COND.set(segment, base, (byte) value);
    }

    /** {@return 1 when resources for non-sequential writes are in use} */
    public static int nonSeq(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) NON_SEQ.get(segment, base));
    }

    /** Sets {@code non_seq}, see {@link #nonSeq(MemorySegment, long)}. */
    public static void nonSeq(MemorySegment segment, long base, int value) {
        NON_SEQ.set(segment, base, (byte) value);
    }

    /** {@return 1 when a reset of the write pointer is advised} */
    public static int reset(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) RESET.get(segment, base));
    }

    /** Sets {@code reset}, see {@link #reset(MemorySegment, long)}. */
    public static void reset(MemorySegment segment, long base, int value) {
        RESET.set(segment, base, (byte) value);
    }

    /** {@return the sectors that can be used} */
    public static long capacity(MemorySegment segment, long base) {
        return (long) CAPACITY.get(segment, base);
    }

    /** Sets {@code capacity}, see {@link #capacity(MemorySegment, long)}. */
    public static void capacity(MemorySegment segment, long base, long value) {
        CAPACITY.set(segment, base, value);
    }
}
