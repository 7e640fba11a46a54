package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * One submission entry.
 *
 * <pre>{@code
 * struct io_uring_sqe {     // 64 bytes, or 128 with IORING_SETUP_SQE128
 *     __u8  opcode;
 *     __u8  flags;          // IOSQE_...
 *     __u16 ioprio;
 *     __s32 fd;
 *     __u64 off;            // or: __u32 cmd_op
 *     __u64 addr;
 *     __u32 len;
 *     __u32 rw_flags;       // flags of the operation
 *     __u64 user_data;
 *     __u16 buf_index;      // or: buf_group
 *     __u16 personality;
 *     __s32 splice_fd_in;
 *     __u8  cmd[16];        // 80 bytes in an entry of 128; or: __u64 attr_ptr, attr_type_mask
 * };
 * }</pre>
 */
final class Sqe {
    static final int BYTES = 64;
    static final int BYTES_128 = 128;

    static final int OPCODE = 0;
    static final int FLAGS = 1;
    static final int FD = 4;
    static final int OFF = 8;
    static final int CMD_OP = 8;
    static final int ADDR = 16;
    static final int LEN = 24;
    static final int RW_FLAGS = 28;
    static final int USER_DATA = 32;
    static final int BUF_INDEX = 40;
    static final int CMD = 48;
    static final int ATTR_PTR = CMD;
    static final int ATTR_TYPE_MASK = CMD + Long.BYTES;

    private Sqe() {}

    /** Sets every field of the first 64 bytes; those that have no parameter become 0. */
    static void fill(
            MemorySegment sqes,
            long base,
            int opcode,
            int fd,
            long offset,
            long address,
            int length,
            int operationFlags,
            long userData) {
        sqes.set(JAVA_INT, base + OPCODE, opcode); // flags and ioprio with it
        sqes.set(JAVA_INT, base + FD, fd);
        sqes.set(JAVA_LONG, base + OFF, offset);
        sqes.set(JAVA_LONG, base + ADDR, address);
        sqes.set(JAVA_INT, base + LEN, length);
        sqes.set(JAVA_INT, base + RW_FLAGS, operationFlags);
        sqes.set(JAVA_LONG, base + USER_DATA, userData);
        sqes.set(JAVA_LONG, base + BUF_INDEX, 0);
        sqes.set(JAVA_LONG, base + CMD, 0);
        sqes.set(JAVA_LONG, base + CMD + Long.BYTES, 0);
    }

    /** Zeroes the part that only an entry of 128 bytes has. */
    static void clearSecondHalf(MemorySegment sqes, long base) {
        for (long at = base + BYTES; at < base + BYTES_128; at += Long.BYTES) {
            sqes.set(JAVA_LONG, at, 0);
        }
    }

    static int opcode(MemorySegment sqes, long base) {
        return sqes.get(JAVA_BYTE, base + OPCODE) & 0xff;
    }

    static void flags(MemorySegment sqes, long base, int flags) {
        sqes.set(JAVA_BYTE, base + FLAGS, (byte) flags);
    }

    static int flags(MemorySegment sqes, long base) {
        return sqes.get(JAVA_BYTE, base + FLAGS) & 0xff;
    }

    static void fd(MemorySegment sqes, long base, int fd) {
        sqes.set(JAVA_INT, base + FD, fd);
    }

    static long offset(MemorySegment sqes, long base) {
        return sqes.get(JAVA_LONG, base + OFF);
    }

    static long address(MemorySegment sqes, long base) {
        return sqes.get(JAVA_LONG, base + ADDR);
    }

    static void address(MemorySegment sqes, long base, long address) {
        sqes.set(JAVA_LONG, base + ADDR, address);
    }

    static int length(MemorySegment sqes, long base) {
        return sqes.get(JAVA_INT, base + LEN);
    }

    static void length(MemorySegment sqes, long base, int length) {
        sqes.set(JAVA_INT, base + LEN, length);
    }

    static void operationFlags(MemorySegment sqes, long base, int flags) {
        sqes.set(JAVA_INT, base + RW_FLAGS, flags);
    }

    static long userData(MemorySegment sqes, long base) {
        return sqes.get(JAVA_LONG, base + USER_DATA);
    }

    static void userData(MemorySegment sqes, long base, long userData) {
        sqes.set(JAVA_LONG, base + USER_DATA, userData);
    }

    /** Sets the buffer index, which is the buffer group where a buffer is to be selected. */
    static void bufferIndex(MemorySegment sqes, long base, int index) {
        sqes.set(JAVA_SHORT, base + BUF_INDEX, (short) index);
    }

    static void attributes(MemorySegment sqes, long base, long address, long types) {
        sqes.set(JAVA_LONG, base + ATTR_PTR, address);
        sqes.set(JAVA_LONG, base + ATTR_TYPE_MASK, types);
    }

    /** {@return an entry in words, such as {@code READ fd=4 userData=0x7}} */
    static String describe(MemorySegment sqes, long base) {
        return "%s fd=%d userData=0x%x"
                .formatted(
                        Opcode.nameOf(opcode(sqes, base)),
                        sqes.get(JAVA_INT, base + FD),
                        userData(sqes, base));
    }
}
