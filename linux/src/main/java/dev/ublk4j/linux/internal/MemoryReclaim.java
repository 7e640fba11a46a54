package dev.ublk4j.linux.internal;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;

/**
 * What a process needs that the kernel writes to when it is short of memory: the server of a swap
 * device, or of a file system with pages of this very process.
 *
 * <p>Such a server must not need memory to free memory. If a page of its own has been swapped out,
 * or a system call of its own has to wait until something else is, nobody is left who would write
 * it, and the machine hangs.
 */
public final class MemoryReclaim {
    private static final long PR_SET_IO_FLUSHER = 57;
    private static final long PR_GET_IO_FLUSHER = 58;
    private static final long MCL_CURRENT = 1;
    private static final long MCL_FUTURE = 2;

    private MemoryReclaim() {}

    /**
     * Keeps all memory of the process, now and later, where it is ({@code mlockall}), and has
     * system calls of this thread, and of all that it starts from now on, get memory without
     * waiting for I/O ({@code PR_SET_IO_FLUSHER}).
     *
     * @throws LinuxException {@code EPERM} without {@code CAP_SYS_RESOURCE}, {@code ENOMEM} beyond
     *     {@code RLIMIT_MEMLOCK} without {@code CAP_IPC_LOCK}
     */
    public static void withstand() {
        LinuxException.check(
                "prctl",
                "PR_SET_IO_FLUSHER",
                Syscall.call(Syscall.Call.PRCTL, PR_SET_IO_FLUSHER, 1, 0, 0, 0, 0));
        LinuxException.check(
                "mlockall",
                "this process",
                Syscall.call(Syscall.Call.MLOCKALL, MCL_CURRENT | MCL_FUTURE, 0, 0));
    }

    /** {@return whether the calling thread gets memory without waiting for I/O} */
    public static boolean isWithstood() {
        return Syscall.call(Syscall.Call.PRCTL, PR_GET_IO_FLUSHER, 0, 0, 0, 0, 0) == 1;
    }
}
