package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * One completion.
 *
 * <pre>{@code
 * struct io_uring_cqe {     // 16 bytes
 *     __u64 user_data;      // of the operation
 *     __s32 res;            // its result, or a negative errno
 *     __u32 flags;          // IORING_CQE_F_...
 * };
 * }</pre>
 */
final class Cqe {
    static final int BYTES = 16;

    static final int USER_DATA = 0;
    static final int RES = 8;
    static final int FLAGS = 12;

    private Cqe() {}

    static long userData(MemorySegment ring, long base) {
        return ring.get(JAVA_LONG, base + USER_DATA);
    }

    static int result(MemorySegment ring, long base) {
        return ring.get(JAVA_INT, base + RES);
    }

    static int flags(MemorySegment ring, long base) {
        return ring.get(JAVA_INT, base + FLAGS);
    }
}
