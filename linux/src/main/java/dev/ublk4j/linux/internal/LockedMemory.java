package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How much memory this process may lock or have pinned ({@code RLIMIT_MEMLOCK}).
 *
 * <p>io_uring counts what is registered with it against the limit, for all processes of a user
 * together, unless the process has {@code CAP_IPC_LOCK}; its rings themselves too, before Linux
 * 5.12 and again in recent ones (seen on 6.18).
 */
public final class LockedMemory {
    private static final int RLIMIT_MEMLOCK = 8;
    private static final int RLIMIT_BYTES = 16;
    private static final long UNLIMITED = -1;

    private LockedMemory() {}

    /** {@return the limit that binds now, bytes; or -1 for none} */
    public static long limit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(RLIMIT_BYTES, Long.BYTES);
            LinuxException.check(
                    "prlimit64",
                    "RLIMIT_MEMLOCK",
                    Syscall.call(Syscall.Call.PRLIMIT64, 0, RLIMIT_MEMLOCK, 0, limits.address()));
            return limits.get(JAVA_LONG, 0);
        }
    }

    /** {@return the limit as it is, and how to raise it, for a message about a refusal} */
    public static String remedy() {
        long limit = limit();
        String now = limit == UNLIMITED ? "unlimited" : (limit >>> 10) + " KiB";
        return "RLIMIT_MEMLOCK is %s; to raise it: ulimit -l, or LimitMEMLOCK= of a unit"
                .formatted(now);
    }
}
