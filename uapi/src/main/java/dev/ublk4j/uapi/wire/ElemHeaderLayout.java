package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * The head of one element of a batch command's buffer.
 *
 * <pre>{@code
 * struct ublk_elem_header {
 *     __u16 tag;
 *     __u16 buf_index;  // with UBLK_F_AUTO_BUF_REG
 *     __s32 result;     // commit only
 * };
 * }</pre>
 *
 * <p>After it follow, each where the batch's flags ask for it, the buffer address and the zone
 * append sector: 8 bytes each, in this order.
 */
public final class ElemHeaderLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_elem_header}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_SHORT.withName("tag"),
                            JAVA_SHORT.withName("buf_index"),
                            JAVA_INT.withName("result"))
                    .withName("ublk_elem_header");

    /** Bytes of one structure. */
    public static final int SIZE = 8;

    private static final VarHandle TAG = LAYOUT.varHandle(groupElement("tag"));
    private static final VarHandle BUF_INDEX = LAYOUT.varHandle(groupElement("buf_index"));
    private static final VarHandle RESULT = LAYOUT.varHandle(groupElement("result"));

    private ElemHeaderLayout() {}

    /** {@return the tag} */
    public static int tag(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) TAG.get(segment, base));
    }

    /** Sets {@code tag}, see {@link #tag(MemorySegment, long)}. */
    public static void tag(MemorySegment segment, long base, int value) {
        TAG.set(segment, base, (short) value);
    }

    /** {@return the slot for the next request's buffer, with {@link Feature#AUTO_BUF_REG}} */
    public static int bufIndex(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) BUF_INDEX.get(segment, base));
    }

    /** Sets {@code buf_index}, see {@link #bufIndex(MemorySegment, long)}. */
    public static void bufIndex(MemorySegment segment, long base, int value) {
        BUF_INDEX.set(segment, base, (short) value);
    }

    /** {@return the result of a commit: bytes done, or a negative errno} */
    public static int result(MemorySegment segment, long base) {
        return (int) RESULT.get(segment, base);
    }

    /** Sets {@code result}, see {@link #result(MemorySegment, long)}. */
    public static void result(MemorySegment segment, long base, int value) {
        RESULT.set(segment, base, value);
    }

    /**
     * {@return the bytes of one element}
     *
     * @param batchFlags the {@link BatchIoLayout#flags} of the batch
     */
    public static int elementBytes(int batchFlags) {
        return zoneLbaOffset(batchFlags)
                + ((batchFlags & BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA) != 0 ? Long.BYTES : 0);
    }

    /**
     * {@return where an element has its buffer address, with {@link
     * BatchIoLayout#UBLK_BATCH_F_HAS_BUF_ADDR}}
     */
    public static int bufAddrOffset() {
        return SIZE;
    }

    /**
     * {@return where an element has its zone append sector, with {@link
     * BatchIoLayout#UBLK_BATCH_F_HAS_ZONE_LBA}}
     */
    public static int zoneLbaOffset(int batchFlags) {
        return SIZE
                + ((batchFlags & BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR) != 0 ? Long.BYTES : 0);
    }
}
