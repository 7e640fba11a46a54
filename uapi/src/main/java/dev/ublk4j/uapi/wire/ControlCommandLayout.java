package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.PathElement.sequenceElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.uapi.ControlCommand;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * A control command as it travels in the command area of a 128-byte submission entry.
 *
 * <pre>{@code
 * struct ublksrv_ctrl_cmd {
 *     __u32 dev_id;        // device number, -1: choose
 *     __u16 queue_id;      // 0xffff: not about a queue
 *     __u16 len;           // bytes at addr
 *     __u64 addr;          // payload
 *     __u64 data[1];       // inline argument
 *     __u16 dev_path_len;  // path in front of the payload
 *     __u16 pad;
 *     __u32 reserved;
 * };
 * }</pre>
 *
 * <p>Which command it is stands in the entry itself ({@code cmd_op}, see {@link ControlCommand}).
 */
public final class ControlCommandLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublksrv_ctrl_cmd}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("dev_id"),
                            JAVA_SHORT.withName("queue_id"),
                            JAVA_SHORT.withName("len"),
                            JAVA_LONG.withName("addr"),
                            MemoryLayout.sequenceLayout(1, JAVA_LONG).withName("data"),
                            JAVA_SHORT.withName("dev_path_len"),
                            JAVA_SHORT.withName("pad"),
                            JAVA_INT.withName("reserved"))
                    .withName("ublksrv_ctrl_cmd");

    /** Bytes of one structure. */
    public static final int SIZE = 32;

    /** {@link #queueId(MemorySegment, long)} of a command that is not about a queue. */
    public static final int NO_QUEUE = 0xffff;

    private static final VarHandle DEV_ID = LAYOUT.varHandle(groupElement("dev_id"));
    private static final VarHandle QUEUE_ID = LAYOUT.varHandle(groupElement("queue_id"));
    private static final VarHandle LEN = LAYOUT.varHandle(groupElement("len"));
    private static final VarHandle ADDR = LAYOUT.varHandle(groupElement("addr"));
    private static final VarHandle DATA =
            LAYOUT.varHandle(groupElement("data"), sequenceElement(0));
    private static final VarHandle DEV_PATH_LEN = LAYOUT.varHandle(groupElement("dev_path_len"));
    private static final VarHandle PAD = LAYOUT.varHandle(groupElement("pad"));
    private static final VarHandle RESERVED = LAYOUT.varHandle(groupElement("reserved"));

    private ControlCommandLayout() {}

    /** {@return the device number; -1 lets ADD_DEV choose one} */
    public static int devId(MemorySegment segment, long base) {
        return (int) DEV_ID.get(segment, base);
    }

    /** Sets {@code dev_id}, see {@link #devId(MemorySegment, long)}. */
    public static void devId(MemorySegment segment, long base, int value) {
        DEV_ID.set(segment, base, value);
    }

    /** {@return the queue, 0xffff (-1) when the command is not about one} */
    public static int queueId(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) QUEUE_ID.get(segment, base));
    }

    /** Sets {@code queue_id}, see {@link #queueId(MemorySegment, long)}. */
    public static void queueId(MemorySegment segment, long base, int value) {
        QUEUE_ID.set(segment, base, (short) value);
    }

    /** {@return the bytes of the payload at {@link #addr(MemorySegment, long)}} */
    public static int len(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) LEN.get(segment, base));
    }

    /** Sets {@code len}, see {@link #len(MemorySegment, long)}. */
    public static void len(MemorySegment segment, long base, int value) {
        LEN.set(segment, base, (short) value);
    }

    /** {@return the address of the payload, read or written by the driver} */
    public static long addr(MemorySegment segment, long base) {
        return (long) ADDR.get(segment, base);
    }

    /** Sets {@code addr}, see {@link #addr(MemorySegment, long)}. */
    public static void addr(MemorySegment segment, long base, long value) {
        ADDR.set(segment, base, value);
    }

    /** {@return the inline argument} */
    public static long data(MemorySegment segment, long base) {
        return (long) DATA.get(segment, base);
    }

    /** Sets {@code data}, see {@link #data(MemorySegment, long)}. */
    public static void data(MemorySegment segment, long base, long value) {
        DATA.set(segment, base, value);
    }

    /**
     * {@return the bytes of the character device path before the payload, its final 0 included; 0
     * for a privileged device}
     */
    public static int devPathLen(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) DEV_PATH_LEN.get(segment, base));
    }

    /** Sets {@code dev_path_len}, see {@link #devPathLen(MemorySegment, long)}. */
    public static void devPathLen(MemorySegment segment, long base, int value) {
        DEV_PATH_LEN.set(segment, base, (short) value);
    }

    /** {@return the unused {@code pad}} */
    public static int pad(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) PAD.get(segment, base));
    }

    /** Sets {@code pad}, see {@link #pad(MemorySegment, long)}. */
    public static void pad(MemorySegment segment, long base, int value) {
        PAD.set(segment, base, (short) value);
    }

    /** {@return the unused {@code reserved}} */
    public static int reserved(MemorySegment segment, long base) {
        return (int) RESERVED.get(segment, base);
    }

    /** Sets {@code reserved}, see {@link #reserved(MemorySegment, long)}. */
    public static void reserved(MemorySegment segment, long base, int value) {
        RESERVED.set(segment, base, value);
    }

    /** Writes every field; path length and reserved fields become 0. */
    public static void write(
            MemorySegment segment,
            long base,
            int devId,
            int queueId,
            int len,
            long addr,
            long data) {
        devId(segment, base, devId);
        queueId(segment, base, queueId);
        len(segment, base, len);
        addr(segment, base, addr);
        data(segment, base, data);
        devPathLen(segment, base, 0);
        pad(segment, base, 0);
        reserved(segment, base, 0);
    }
}
