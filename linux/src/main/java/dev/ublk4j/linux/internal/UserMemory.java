package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies from and to addresses that may be wild, as a kernel copies from user space.
 *
 * <p>A plain access to an unmapped address ends the virtual machine. {@code process_vm_readv(2)} on
 * the own process returns {@code EFAULT} instead.
 */
public final class UserMemory {
    private static final long PID = ProcessHandle.current().pid();

    private UserMemory() {}

    /**
     * Fills {@code destination} with the bytes at {@code address}.
     *
     * @return 0, or {@code -EFAULT} when one of the bytes cannot be read
     */
    public static int read(long address, MemorySegment destination) {
        return copy(Syscall.Call.PROCESS_VM_READV, address, destination);
    }

    /**
     * Stores the bytes of {@code source} at {@code address}.
     *
     * @return 0, or {@code -EFAULT} when one of the bytes cannot be written
     */
    public static int write(long address, MemorySegment source) {
        return copy(Syscall.Call.PROCESS_VM_WRITEV, address, source);
    }

    private static int copy(Syscall.Call call, long address, MemorySegment own) {
        long length = own.byteSize();
        if (length == 0) {
            return 0;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment local = arena.allocateFrom(JAVA_LONG, own.address(), length);
            MemorySegment remote = arena.allocateFrom(JAVA_LONG, address, length);
            long done = Syscall.call(call, PID, local.address(), 1, remote.address(), 1, 0);
            return done == length ? 0 : Errno.EFAULT.negated();
        }
    }
}
