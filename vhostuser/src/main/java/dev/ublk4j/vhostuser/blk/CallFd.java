package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Calls a client by what {@code SET_VRING_CALL} brought, which may be replaced while the ring runs:
 * an event counter, or a socket where a client cannot be woken by one.
 *
 * <p>The counter is the client's too. Were it full, and its client had made it blocking again, a
 * call would wait; {@link #unblock} ends that from another thread. A call by a socket never waits.
 */
public final class CallFd {
    private static final MemorySegment ONE =
            Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1).asReadOnly();

    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;

    private volatile @Nullable CallEnd end;

    /** Creates one that calls nobody. */
    public CallFd() {}

    /** Replaces the descriptor, which stays the caller's; null for none: the client polls. */
    public void set(@Nullable CallEnd newEnd) {
        end = newEnd;
    }

    /** Adds one to the client's counter, or sends it a message. */
    void signal() {
        CallEnd current = end;
        if (current == null) {
            return;
        }
        int number = current.fd().number();
        long answer =
                current.isSocket()
                        ? Syscall.call(
                                Syscall.Call.SENDTO,
                                number,
                                ONE.address(),
                                Long.BYTES,
                                MSG_DONTWAIT | MSG_NOSIGNAL)
                        : Syscall.call(Syscall.Call.WRITE, number, ONE.address(), Long.BYTES);
        if (answer < 0) {
            check(current, answer);
        }
    }

    private static void check(CallEnd current, long answer) {
        switch (Errno.of((int) answer)) {
            case EAGAIN -> {
                // It is full, so the client has calls enough to see.
            }
            case EPIPE, ECONNRESET, ECONNREFUSED -> {
                // The client has closed its end: it does not want to be called, or is about to
                // say by what.
            }
            default -> throw new LinuxException("write", current.fd().name(), answer);
        }
    }

    /** Empties the counter, so that a call that waits for room goes on; from any thread. */
    public void unblock() {
        CallEnd current = end;
        if (current != null && !current.isSocket()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG);
                Syscall.call(
                        Syscall.Call.READ, current.fd().number(), counter.address(), Long.BYTES);
            }
        }
    }
}
