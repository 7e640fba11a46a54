package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Calls a client: the eventfd of {@code SET_VRING_CALL}, which may be replaced while the ring runs.
 *
 * <p>The counter is the client's too. Were it full, and its client had made it blocking again, a
 * call would wait; {@link #unblock} ends that from another thread.
 */
public final class CallFd {
    private static final MemorySegment ONE =
            Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1).asReadOnly();

    private volatile @Nullable Fd fd;

    /** Creates one that calls nobody. */
    public CallFd() {}

    /** Replaces the descriptor, which stays the caller's; null for none: the client polls. */
    public void set(@Nullable Fd newFd) {
        fd = newFd;
    }

    /** Adds one to the client's counter. */
    void signal() {
        Fd current = fd;
        if (current == null) {
            return;
        }
        long answer = Syscall.call(Syscall.Call.WRITE, current.number(), ONE.address(), Long.BYTES);
        if (answer < 0 && answer != Errno.EAGAIN.negated()) {
            // EAGAIN: the counter is full, so the client has calls enough to see.
            throw new LinuxException("write", current.name(), answer);
        }
    }

    /** Empties the counter, so that a call that waits for room goes on; from any thread. */
    public void unblock() {
        Fd current = fd;
        if (current != null) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG);
                Syscall.call(Syscall.Call.READ, current.number(), counter.address(), Long.BYTES);
            }
        }
    }
}
