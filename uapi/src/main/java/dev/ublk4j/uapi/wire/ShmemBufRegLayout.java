package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.uapi.ControlCommand;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Payload of {@link ControlCommand#REG_BUF}: the shared memory to register.
 *
 * <pre>{@code
 * struct ublk_shmem_buf_reg {
 *     __u64 addr;      // page aligned
 *     __u64 len;       // bytes, whole pages, at most 4 GiB
 *     __u32 flags;     // UBLK_SHMEM_BUF_*
 *     __u32 reserved;  // 0
 * };
 * }</pre>
 */
public final class ShmemBufRegLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_shmem_buf_reg}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_LONG.withName("addr"),
                            JAVA_LONG.withName("len"),
                            JAVA_INT.withName("flags"),
                            JAVA_INT.withName("reserved"))
                    .withName("ublk_shmem_buf_reg");

    /** Bytes of one structure. */
    public static final int SIZE = 24;

    /** Pin without write access: fits a write-sealed memfd, and matches WRITE requests only. */
    public static final int UBLK_SHMEM_BUF_READ_ONLY = 1;

    /** The longest buffer, bytes. */
    public static final long MAX_LENGTH = 1L << 32;

    private static final VarHandle ADDR = LAYOUT.varHandle(groupElement("addr"));
    private static final VarHandle LEN = LAYOUT.varHandle(groupElement("len"));
    private static final VarHandle FLAGS = LAYOUT.varHandle(groupElement("flags"));
    private static final VarHandle RESERVED = LAYOUT.varHandle(groupElement("reserved"));

    private ShmemBufRegLayout() {}

    /** {@return the address of the memory in the caller, page aligned} */
    public static long addr(MemorySegment segment, long base) {
        return (long) ADDR.get(segment, base);
    }

    /** Sets {@code addr}, see {@link #addr(MemorySegment, long)}. */
    public static void addr(MemorySegment segment, long base, long value) {
        ADDR.set(segment, base, value);
    }

    /** {@return the length in bytes: whole pages, at most 4 GiB} */
    public static long len(MemorySegment segment, long base) {
        return (long) LEN.get(segment, base);
    }

    /** Sets {@code len}, see {@link #len(MemorySegment, long)}. */
    public static void len(MemorySegment segment, long base, long value) {
        LEN.set(segment, base, value);
    }

    /** {@return {@code UBLK_SHMEM_BUF_...}} */
    public static int flags(MemorySegment segment, long base) {
        return (int) FLAGS.get(segment, base);
    }

    /** Sets {@code flags}, see {@link #flags(MemorySegment, long)}. */
    public static void flags(MemorySegment segment, long base, int value) {
        FLAGS.set(segment, base, value);
    }

    /** {@return the unused {@code reserved}, must be 0} */
    public static int reserved(MemorySegment segment, long base) {
        return (int) RESERVED.get(segment, base);
    }

    /** Sets {@code reserved}, see {@link #reserved(MemorySegment, long)}. */
    public static void reserved(MemorySegment segment, long base, int value) {
        RESERVED.set(segment, base, value);
    }

    /** Writes a whole structure. */
    public static void write(MemorySegment segment, long base, long addr, long len, int flags) {
        addr(segment, base, addr);
        len(segment, base, len);
        flags(segment, base, flags);
        reserved(segment, base, 0);
    }
}
