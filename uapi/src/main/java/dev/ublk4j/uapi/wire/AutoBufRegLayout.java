package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Where the driver registers a request's buffer by itself ({@link Feature#AUTO_BUF_REG}).
 *
 * <pre>{@code
 * struct ublk_auto_buf_reg {
 *     __u16 index;
 *     __u8 flags;
 *     __u8 reserved0;
 *     __u32 reserved1;
 * };
 * }</pre>
 *
 * <p>It travels packed into the {@code addr} of the fetch's submission entry: index in bits 0 to
 * 15, flags in 16 to 23, reserved fields above.
 */
public final class AutoBufRegLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_auto_buf_reg}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_SHORT.withName("index"),
                            JAVA_BYTE.withName("flags"),
                            JAVA_BYTE.withName("reserved0"),
                            JAVA_INT.withName("reserved1"))
                    .withName("ublk_auto_buf_reg");

    /** Bytes of one structure. */
    public static final int SIZE = 8;

    /**
     * Deliver the request with {@link IoFlag#UBLK_IO_F_NEED_REG_BUF} instead of failing it when its
     * buffer cannot be registered.
     */
    public static final int UBLK_AUTO_BUF_REG_FALLBACK = 1;

    /** All flags there are. */
    public static final int UBLK_AUTO_BUF_REG_F_MASK = UBLK_AUTO_BUF_REG_FALLBACK;

    private static final VarHandle INDEX = LAYOUT.varHandle(groupElement("index"));
    private static final VarHandle FLAGS = LAYOUT.varHandle(groupElement("flags"));
    private static final VarHandle RESERVED0 = LAYOUT.varHandle(groupElement("reserved0"));
    private static final VarHandle RESERVED1 = LAYOUT.varHandle(groupElement("reserved1"));

    private AutoBufRegLayout() {}

    /** {@return the slot of the ring's buffer table} */
    public static int index(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) INDEX.get(segment, base));
    }

    /** Sets {@code index}, see {@link #index(MemorySegment, long)}. */
    public static void index(MemorySegment segment, long base, int value) {
        INDEX.set(segment, base, (short) value);
    }

    /** {@return {@code UBLK_AUTO_BUF_REG_...}} */
    public static int flags(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) FLAGS.get(segment, base));
    }

    /** Sets {@code flags}, see {@link #flags(MemorySegment, long)}. */
    public static void flags(MemorySegment segment, long base, int value) {
        FLAGS.set(segment, base, (byte) value);
    }

    /** {@return the unused {@code reserved0}, must be 0} */
    public static int reserved0(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) RESERVED0.get(segment, base));
    }

    /** Sets {@code reserved0}, see {@link #reserved0(MemorySegment, long)}. */
    public static void reserved0(MemorySegment segment, long base, int value) {
        RESERVED0.set(segment, base, (byte) value);
    }

    /** {@return the unused {@code reserved1}, must be 0} */
    public static int reserved1(MemorySegment segment, long base) {
        return (int) RESERVED1.get(segment, base);
    }

    /** Sets {@code reserved1}, see {@link #reserved1(MemorySegment, long)}. */
    public static void reserved1(MemorySegment segment, long base, int value) {
        RESERVED1.set(segment, base, value);
    }

    /** {@return index and flags packed for the {@code addr} of a submission entry} */
    public static long sqeAddress(int index, int flags) {
        assert index >>> 16 == 0 && flags >>> 8 == 0 : index + ", " + flags;
        return index | (long) flags << 16;
    }

    /** {@return the index in a packed address} */
    public static int index(long sqeAddress) {
        return (int) sqeAddress & 0xffff;
    }

    /** {@return the flags in a packed address} */
    public static int flags(long sqeAddress) {
        return (int) (sqeAddress >>> 16) & 0xff;
    }

    /** {@return the reserved bits of a packed address, not shifted; 0 when it is well formed} */
    public static long reserved(long sqeAddress) {
        return sqeAddress & ~0xff_ffffL;
    }
}
