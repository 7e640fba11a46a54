package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * An I/O command as it travels in the command area of a submission entry to the character device.
 *
 * <pre>{@code
 * struct ublksrv_io_cmd {
 *     __u16 q_id;
 *     __u16 tag;
 *     __s32 result;               // commit: bytes or -errno
 *     union {
 *         __u64 addr;             // fetch: buffer; register: slot
 *         __u64 zone_append_lba;  // commit of a zone append
 *     };
 * };
 * }</pre>
 *
 * <p>Which command it is stands in the entry itself ({@code cmd_op}, see {@link IoCommand}).
 */
public final class IoCommandLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublksrv_io_cmd}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_SHORT.withName("q_id"),
                            JAVA_SHORT.withName("tag"),
                            JAVA_INT.withName("result"),
                            MemoryLayout.unionLayout(
                                    JAVA_LONG.withName("addr"),
                                    JAVA_LONG.withName("zone_append_lba")))
                    .withName("ublksrv_io_cmd");

    /** Bytes of one structure. */
    public static final int SIZE = 16;

    private static final VarHandle Q_ID = LAYOUT.varHandle(groupElement("q_id"));
    private static final VarHandle TAG = LAYOUT.varHandle(groupElement("tag"));
    private static final VarHandle RESULT = LAYOUT.varHandle(groupElement("result"));
    private static final VarHandle ADDR = LAYOUT.varHandle(groupElement(3), groupElement("addr"));
    private static final VarHandle ZONE_APPEND_LBA =
            LAYOUT.varHandle(groupElement(3), groupElement("zone_append_lba"));

    private IoCommandLayout() {}

    /** {@return the queue} */
    public static int qId(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) Q_ID.get(segment, base));
    }

    /** Sets {@code q_id}, see {@link #qId(MemorySegment, long)}. */
    public static void qId(MemorySegment segment, long base, int value) {
        Q_ID.set(segment, base, (short) value);
    }

    /** {@return the tag within the queue} */
    public static int tag(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) TAG.get(segment, base));
    }

    /** Sets {@code tag}, see {@link #tag(MemorySegment, long)}. */
    public static void tag(MemorySegment segment, long base, int value) {
        TAG.set(segment, base, (short) value);
    }

    /** {@return the result of a commit: bytes done, an {@link IoResult}, or a negative errno} */
    public static int result(MemorySegment segment, long base) {
        return (int) RESULT.get(segment, base);
    }

    /** Sets {@code result}, see {@link #result(MemorySegment, long)}. */
    public static void result(MemorySegment segment, long base, int value) {
        RESULT.set(segment, base, value);
    }

    /** {@return the server's buffer of a fetch, or the slot of a register command} */
    public static long addr(MemorySegment segment, long base) {
        return (long) ADDR.get(segment, base);
    }

    /** Sets {@code addr}, see {@link #addr(MemorySegment, long)}. */
    public static void addr(MemorySegment segment, long base, long value) {
        ADDR.set(segment, base, value);
    }

    /** {@return the sector a zone append was given, of a commit} */
    public static long zoneAppendLba(MemorySegment segment, long base) {
        return (long) ZONE_APPEND_LBA.get(segment, base);
    }

    /** Sets {@code zone_append_lba}, see {@link #zoneAppendLba(MemorySegment, long)}. */
    public static void zoneAppendLba(MemorySegment segment, long base, long value) {
        ZONE_APPEND_LBA.set(segment, base, value);
    }

    /** Writes a whole command. */
    public static void write(
            MemorySegment segment, long base, int qId, int tag, int result, long addr) {
        qId(segment, base, qId);
        tag(segment, base, tag);
        result(segment, base, result);
        addr(segment, base, addr);
    }
}
