package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * Copies from and to addresses that may be wild, as a kernel copies from user space.
 *
 * <p>A plain access to an unmapped address ends the virtual machine. {@code process_vm_readv(2)} on
 * the own process returns {@code EFAULT} instead.
 */
public final class UserMemory {
    private static final long PID = ProcessHandle.current().pid();

    /**
     * All addresses: programs name memory by address. An access to one that is wild ends the JVM.
     */
    public static final MemorySegment ALL = everything();

    private UserMemory() {}

    @SuppressWarnings("restricted") // an address has no bounds
    private static MemorySegment everything() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }

    /**
     * {@return memory at an address, which its owner keeps at least until it is given back}
     *
     * @param address of the first byte
     * @param length bytes
     * @param arena until when it is accessed
     * @param giveBack called when the arena is closed
     */
    @SuppressWarnings("restricted") // the caller says how long it is
    public static MemorySegment at(
            long address, long length, Arena arena, Consumer<MemorySegment> giveBack) {
        return MemorySegment.ofAddress(address).reinterpret(length, arena, giveBack);
    }

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
