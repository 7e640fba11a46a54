package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A limit that the kernel sets to what this process may have; see {@code getrlimit(2)}. */
enum ResourceLimit {
    RLIMIT_NOFILE(7),
    RLIMIT_MEMLOCK(8);

    /** {@code RLIM_INFINITY}. */
    static final long UNLIMITED = -1;

    private static final int RLIMIT_BYTES = 16;

    private final int number;

    ResourceLimit(int number) {
        this.number = number;
    }

    /** {@return the soft limit, the one that binds; or {@link #UNLIMITED}} */
    long soft() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(RLIMIT_BYTES, Long.BYTES);
            LinuxException.check(
                    "prlimit64",
                    name(),
                    Syscall.call(Syscall.Call.PRLIMIT64, 0, number, 0, limits.address()));
            return limits.get(JAVA_LONG, 0);
        }
    }
}
