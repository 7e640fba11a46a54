package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * What a device is: payload of ADD_DEV (both ways) and GET_DEV_INFO.
 *
 * <pre>{@code
 * struct ublksrv_ctrl_dev_info {
 *     __u16 nr_hw_queues;      // 1..UBLK_MAX_NR_QUEUES
 *     __u16 queue_depth;       // 1..UBLK_MAX_QUEUE_DEPTH
 *     __u16 state;             // UBLK_S_DEV_*
 *     __u16 io_desc_size;      // with UBLK_F_IO_DESC_SIZE
 *     __u32 max_io_buf_bytes;  // largest request, bytes
 *     __u32 dev_id;            // device number
 *     __s32 ublksrv_pid;       // process of the server
 *     __u32 pad1;
 *     __u64 flags;             // UBLK_F_*
 *     __u64 ublksrv_flags;     // for the server alone
 *     __u32 owner_uid;         // set by the driver
 *     __u32 owner_gid;         // set by the driver
 *     __u64 reserved1;
 *     __u64 reserved2;
 * };
 * }</pre>
 *
 * <p>{@link DeviceInfo} is the same as a record, for code that is not hot.
 */
public final class DeviceInfoLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublksrv_ctrl_dev_info}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_SHORT.withName("nr_hw_queues"),
                            JAVA_SHORT.withName("queue_depth"),
                            JAVA_SHORT.withName("state"),
                            JAVA_SHORT.withName("io_desc_size"),
                            JAVA_INT.withName("max_io_buf_bytes"),
                            JAVA_INT.withName("dev_id"),
                            JAVA_INT.withName("ublksrv_pid"),
                            JAVA_INT.withName("pad1"),
                            JAVA_LONG.withName("flags"),
                            JAVA_LONG.withName("ublksrv_flags"),
                            JAVA_INT.withName("owner_uid"),
                            JAVA_INT.withName("owner_gid"),
                            JAVA_LONG.withName("reserved1"),
                            JAVA_LONG.withName("reserved2"))
                    .withName("ublksrv_ctrl_dev_info");

    /** Bytes of one structure. */
    public static final int SIZE = 64;

    private static final VarHandle NR_HW_QUEUES = LAYOUT.varHandle(groupElement("nr_hw_queues"));
    private static final VarHandle QUEUE_DEPTH = LAYOUT.varHandle(groupElement("queue_depth"));
    private static final VarHandle STATE = LAYOUT.varHandle(groupElement("state"));
    private static final VarHandle IO_DESC_SIZE = LAYOUT.varHandle(groupElement("io_desc_size"));
    private static final VarHandle MAX_IO_BUF_BYTES =
            LAYOUT.varHandle(groupElement("max_io_buf_bytes"));
    private static final VarHandle DEV_ID = LAYOUT.varHandle(groupElement("dev_id"));
    private static final VarHandle UBLKSRV_PID = LAYOUT.varHandle(groupElement("ublksrv_pid"));
    private static final VarHandle PAD1 = LAYOUT.varHandle(groupElement("pad1"));
    private static final VarHandle FLAGS = LAYOUT.varHandle(groupElement("flags"));
    private static final VarHandle UBLKSRV_FLAGS = LAYOUT.varHandle(groupElement("ublksrv_flags"));
    private static final VarHandle OWNER_UID = LAYOUT.varHandle(groupElement("owner_uid"));
    private static final VarHandle OWNER_GID = LAYOUT.varHandle(groupElement("owner_gid"));
    private static final VarHandle RESERVED1 = LAYOUT.varHandle(groupElement("reserved1"));
    private static final VarHandle RESERVED2 = LAYOUT.varHandle(groupElement("reserved2"));

    private DeviceInfoLayout() {}

    /** {@return the number of queues} */
    public static int nrHwQueues(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) NR_HW_QUEUES.get(segment, base));
    }

    /** Sets {@code nr_hw_queues}, see {@link #nrHwQueues(MemorySegment, long)}. */
    public static void nrHwQueues(MemorySegment segment, long base, int value) {
        NR_HW_QUEUES.set(segment, base, (short) value);
    }

    /** {@return the tags of each queue} */
    public static int queueDepth(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) QUEUE_DEPTH.get(segment, base));
    }

    /** Sets {@code queue_depth}, see {@link #queueDepth(MemorySegment, long)}. */
    public static void queueDepth(MemorySegment segment, long base, int value) {
        QUEUE_DEPTH.set(segment, base, (short) value);
    }

    /** {@return the state, see {@link DeviceState}} */
    public static int state(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) STATE.get(segment, base));
    }

    /** Sets {@code state}, see {@link #state(MemorySegment, long)}. */
    public static void state(MemorySegment segment, long base, int value) {
        STATE.set(segment, base, (short) value);
    }

    /**
     * {@return the bytes from one descriptor to the next; meant with {@link Feature#IO_DESC_SIZE}}
     */
    public static int ioDescSize(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) IO_DESC_SIZE.get(segment, base));
    }

    /** Sets {@code io_desc_size}, see {@link #ioDescSize(MemorySegment, long)}. */
    public static void ioDescSize(MemorySegment segment, long base, int value) {
        IO_DESC_SIZE.set(segment, base, (short) value);
    }

    /** {@return the bytes of the largest request} */
    public static int maxIoBufBytes(MemorySegment segment, long base) {
        return (int) MAX_IO_BUF_BYTES.get(segment, base);
    }

    /** Sets {@code max_io_buf_bytes}, see {@link #maxIoBufBytes(MemorySegment, long)}. */
    public static void maxIoBufBytes(MemorySegment segment, long base, int value) {
        MAX_IO_BUF_BYTES.set(segment, base, value);
    }

    /** {@return the device number} */
    public static int devId(MemorySegment segment, long base) {
        return (int) DEV_ID.get(segment, base);
    }

    /** Sets {@code dev_id}, see {@link #devId(MemorySegment, long)}. */
    public static void devId(MemorySegment segment, long base, int value) {
        DEV_ID.set(segment, base, value);
    }

    /** {@return the process that serves the device} */
    public static int ublksrvPid(MemorySegment segment, long base) {
        return (int) UBLKSRV_PID.get(segment, base);
    }

    /** Sets {@code ublksrv_pid}, see {@link #ublksrvPid(MemorySegment, long)}. */
    public static void ublksrvPid(MemorySegment segment, long base, int value) {
        UBLKSRV_PID.set(segment, base, value);
    }

    /** {@return the unused {@code pad1}} */
    public static int pad1(MemorySegment segment, long base) {
        return (int) PAD1.get(segment, base);
    }

    /** Sets {@code pad1}, see {@link #pad1(MemorySegment, long)}. */
    public static void pad1(MemorySegment segment, long base, int value) {
        PAD1.set(segment, base, value);
    }

    /** {@return the features, see {@link Feature}} */
    public static long flags(MemorySegment segment, long base) {
        return (long) FLAGS.get(segment, base);
    }

    /** Sets {@code flags}, see {@link #flags(MemorySegment, long)}. */
    public static void flags(MemorySegment segment, long base, long value) {
        FLAGS.set(segment, base, value);
    }

    /** {@return flags of the server, which the driver keeps and does not read} */
    public static long ublksrvFlags(MemorySegment segment, long base) {
        return (long) UBLKSRV_FLAGS.get(segment, base);
    }

    /** Sets {@code ublksrv_flags}, see {@link #ublksrvFlags(MemorySegment, long)}. */
    public static void ublksrvFlags(MemorySegment segment, long base, long value) {
        UBLKSRV_FLAGS.set(segment, base, value);
    }

    /** {@return the user who owns the device, filled in by the driver} */
    public static int ownerUid(MemorySegment segment, long base) {
        return (int) OWNER_UID.get(segment, base);
    }

    /** Sets {@code owner_uid}, see {@link #ownerUid(MemorySegment, long)}. */
    public static void ownerUid(MemorySegment segment, long base, int value) {
        OWNER_UID.set(segment, base, value);
    }

    /** {@return the group that owns the device, filled in by the driver} */
    public static int ownerGid(MemorySegment segment, long base) {
        return (int) OWNER_GID.get(segment, base);
    }

    /** Sets {@code owner_gid}, see {@link #ownerGid(MemorySegment, long)}. */
    public static void ownerGid(MemorySegment segment, long base, int value) {
        OWNER_GID.set(segment, base, value);
    }

    /** {@return the unused {@code reserved1}} */
    public static long reserved1(MemorySegment segment, long base) {
        return (long) RESERVED1.get(segment, base);
    }

    /** Sets {@code reserved1}, see {@link #reserved1(MemorySegment, long)}. */
    public static void reserved1(MemorySegment segment, long base, long value) {
        RESERVED1.set(segment, base, value);
    }

    /** {@return the unused {@code reserved2}} */
    public static long reserved2(MemorySegment segment, long base) {
        return (long) RESERVED2.get(segment, base);
    }

    /** Sets {@code reserved2}, see {@link #reserved2(MemorySegment, long)}. */
    public static void reserved2(MemorySegment segment, long base, long value) {
        RESERVED2.set(segment, base, value);
    }

    /** {@return the structure at offset {@code base} as a record} */
    public static DeviceInfo read(MemorySegment segment, long base) {
        return new DeviceInfo(
                nrHwQueues(segment, base),
                queueDepth(segment, base),
                state(segment, base),
                ioDescSize(segment, base),
                maxIoBufBytes(segment, base),
                devId(segment, base),
                ublksrvPid(segment, base),
                flags(segment, base),
                ublksrvFlags(segment, base),
                ownerUid(segment, base),
                ownerGid(segment, base));
    }

    /** {@return the structure at the start of the segment as a record} */
    public static DeviceInfo read(MemorySegment segment) {
        return read(segment, 0);
    }

    /** Writes a record; reserved fields become 0. */
    public static void write(MemorySegment segment, long base, DeviceInfo info) {
        nrHwQueues(segment, base, info.queues());
        queueDepth(segment, base, info.queueDepth());
        state(segment, base, info.state());
        ioDescSize(segment, base, info.ioDescSize());
        maxIoBufBytes(segment, base, info.maxIoBufBytes());
        devId(segment, base, info.deviceId());
        ublksrvPid(segment, base, info.serverPid());
        pad1(segment, base, 0);
        flags(segment, base, info.flags());
        ublksrvFlags(segment, base, info.serverFlags());
        ownerUid(segment, base, info.ownerUid());
        ownerGid(segment, base, info.ownerGid());
        reserved1(segment, base, 0);
        reserved2(segment, base, 0);
    }
}
