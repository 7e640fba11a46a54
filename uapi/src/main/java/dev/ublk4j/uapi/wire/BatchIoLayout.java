package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * A command for many tags at once ({@link Feature#BATCH_IO}), in the command area of a submission
 * entry.
 *
 * <pre>{@code
 * struct ublk_batch_io {
 *     __u16 q_id;
 *     __u16 flags;
 *     __u16 nr_elem;
 *     __u8 elem_bytes;
 *     __u8 reserved;
 *     __u64 reserved2;
 * };
 * }</pre>
 *
 * <p>The elements, each an {@link ElemHeaderLayout} with what follows it, stand in the buffer of
 * the entry.
 */
public final class BatchIoLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_batch_io}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_SHORT.withName("q_id"),
                            JAVA_SHORT.withName("flags"),
                            JAVA_SHORT.withName("nr_elem"),
                            JAVA_BYTE.withName("elem_bytes"),
                            JAVA_BYTE.withName("reserved"),
                            JAVA_LONG.withName("reserved2"))
                    .withName("ublk_batch_io");

    /** Bytes of one structure. */
    public static final int SIZE = 16;

    /** Each element carries the sector that a zone append was given. */
    public static final int UBLK_BATCH_F_HAS_ZONE_LBA = 1;

    /** Each element carries the address of the server's buffer. */
    public static final int UBLK_BATCH_F_HAS_BUF_ADDR = 1 << 1;

    /** As {@link AutoBufRegLayout#UBLK_AUTO_BUF_REG_FALLBACK}, for all elements. */
    public static final int UBLK_BATCH_F_AUTO_BUF_REG_FALLBACK = 1 << 2;

    private static final VarHandle Q_ID = LAYOUT.varHandle(groupElement("q_id"));
    private static final VarHandle FLAGS = LAYOUT.varHandle(groupElement("flags"));
    private static final VarHandle NR_ELEM = LAYOUT.varHandle(groupElement("nr_elem"));
    private static final VarHandle ELEM_BYTES = LAYOUT.varHandle(groupElement("elem_bytes"));
    private static final VarHandle RESERVED = LAYOUT.varHandle(groupElement("reserved"));
    private static final VarHandle RESERVED2 = LAYOUT.varHandle(groupElement("reserved2"));

    private BatchIoLayout() {}

    /** {@return the queue} */
    public static int qId(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) Q_ID.get(segment, base));
    }

    /** Sets {@code q_id}, see {@link #qId(MemorySegment, long)}. */
    public static void qId(MemorySegment segment, long base, int value) {
        Q_ID.set(segment, base, (short) value);
    }

    /** {@return {@code UBLK_BATCH_F_...}} */
    public static int flags(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) FLAGS.get(segment, base));
    }

    /** Sets {@code flags}, see {@link #flags(MemorySegment, long)}. */
    public static void flags(MemorySegment segment, long base, int value) {
        FLAGS.set(segment, base, (short) value);
    }

    /** {@return the number of elements} */
    public static int nrElem(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) NR_ELEM.get(segment, base));
    }

    /** Sets {@code nr_elem}, see {@link #nrElem(MemorySegment, long)}. */
    public static void nrElem(MemorySegment segment, long base, int value) {
        NR_ELEM.set(segment, base, (short) value);
    }

    /** {@return the bytes of one element, see {@link ElemHeaderLayout#elementBytes}} */
    public static int elemBytes(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) ELEM_BYTES.get(segment, base));
    }

    /** Sets {@code elem_bytes}, see {@link #elemBytes(MemorySegment, long)}. */
    public static void elemBytes(MemorySegment segment, long base, int value) {
        ELEM_BYTES.set(segment, base, (byte) value);
    }

    /** {@return the unused {@code reserved}} */
    public static int reserved(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) RESERVED.get(segment, base));
    }

    /** Sets {@code reserved}, see {@link #reserved(MemorySegment, long)}. */
    public static void reserved(MemorySegment segment, long base, int value) {
        RESERVED.set(segment, base, (byte) value);
    }

    /** {@return the unused {@code reserved2}} */
    public static long reserved2(MemorySegment segment, long base) {
        return (long) RESERVED2.get(segment, base);
    }

    /** Sets {@code reserved2}, see {@link #reserved2(MemorySegment, long)}. */
    public static void reserved2(MemorySegment segment, long base, long value) {
        RESERVED2.set(segment, base, value);
    }

    /** Writes a whole command; the bytes of an element follow from the flags. */
    public static void write(MemorySegment segment, long base, int qId, int flags, int nrElem) {
        qId(segment, base, qId);
        flags(segment, base, flags);
        nrElem(segment, base, nrElem);
        elemBytes(segment, base, ElemHeaderLayout.elementBytes(flags));
        reserved(segment, base, 0);
        reserved2(segment, base, 0);
    }
}
