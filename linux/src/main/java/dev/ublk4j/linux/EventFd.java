package dev.ublk4j.linux;

import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A counter in the kernel that one thread adds to and another waits on ({@code eventfd(2)}). */
public final class EventFd implements AutoCloseable {
    private static final int EFD_NONBLOCK = 0x800;
    private static final int EFD_CLOEXEC = 0x80000;

    private final Fd fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);

    private EventFd(Fd fd) {
        this.fd = fd;
    }

    /**
     * Creates a counter of 0 whose reads block.
     *
     * @throws LinuxException when the kernel refuses
     */
    public static EventFd blocking() {
        return create(EFD_CLOEXEC);
    }

    /**
     * Creates a counter of 0 whose reads return {@code EAGAIN} at 0.
     *
     * @throws LinuxException when the kernel refuses
     */
    public static EventFd nonBlocking() {
        return create(EFD_CLOEXEC | EFD_NONBLOCK);
    }

    private static EventFd create(int flags) {
        long answer = Syscall.call(Syscall.Call.EVENTFD2, 0, flags, 0);
        return new EventFd(Fd.own((int) LinuxException.check("eventfd2", "", answer), "eventfd"));
    }

    /** {@return the descriptor, to poll or read} */
    public Fd fd() {
        return fd;
    }

    /**
     * Adds one, which wakes whoever waits; from any thread.
     *
     * @throws LinuxException when the kernel refuses
     */
    public void signal() {
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.WRITE, fd.number(), one.address(), Long.BYTES);
        } while (answer == Errno.EINTR.negated());
        // EAGAIN says that the counter is full: whoever waits is awake already.
        if (answer < 0 && answer != Errno.EAGAIN.negated()) {
            throw new LinuxException("write", fd.name(), answer);
        }
    }

    /**
     * Sets a {@linkplain #nonBlocking non-blocking} counter to 0; one thread at a time.
     *
     * @throws LinuxException when the kernel refuses
     */
    public void reset() {
        long answer;
        try (Arena counter = Arena.ofConfined()) {
            long address = counter.allocate(Long.BYTES, Long.BYTES).address();
            do {
                answer = Syscall.call(Syscall.Call.READ, fd.number(), address, Long.BYTES);
            } while (answer == Errno.EINTR.negated());
        }
        // EAGAIN says that it is 0 already.
        if (answer < 0 && answer != Errno.EAGAIN.negated()) {
            throw new LinuxException("read", fd.name(), answer);
        }
    }

    @Override
    public void close() {
        if (!fd.isClosed()) {
            fd.close();
            arena.close();
        }
    }
}
