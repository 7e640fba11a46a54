package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** The processors that a thread may run on. */
public final class ThreadAffinity {
    private static final long THIS_THREAD = 0;

    private ThreadAffinity() {}

    /**
     * Has the calling thread, and the threads that it starts from now on, run on some processors
     * only ({@code sched_setaffinity}).
     *
     * @param processors at least one
     * @throws LinuxException {@code EINVAL} when the process may use none of them
     */
    public static void set(BitSet processors) {
        long[] words = processors.toLongArray();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocateFrom(JAVA_LONG, words);
            LinuxException.check(
                    "sched_setaffinity",
                    "processors " + processors,
                    Syscall.call(
                            Syscall.Call.SCHED_SETAFFINITY,
                            THIS_THREAD,
                            mask.byteSize(),
                            mask.address()));
        }
    }
}
