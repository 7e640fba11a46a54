package dev.ublk4j.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * Waits until one of several descriptors is ready ({@code ppoll(2)}).
 *
 * <p>One thread at a time; it occupies its carrier while it waits, so it should be no virtual one.
 */
public final class Poll implements AutoCloseable {
    /** There is something to read, or the end. */
    public static final int POLLIN = 0x1;

    /** There is room to write. */
    public static final int POLLOUT = 0x4;

    /** There is an error; always waited for. */
    public static final int POLLERR = 0x8;

    /** The other side has hung up; always waited for. */
    public static final int POLLHUP = 0x10;

    /** The other side sends no more. */
    public static final int POLLRDHUP = 0x2000;

    /** {@code struct pollfd}: a descriptor, the events wanted, the events seen. */
    private static final int POLLFD_BYTES = 8;

    private static final int EVENTS = 4;
    private static final int REVENTS = 6;

    private static final int TIMESPEC_BYTES = 16;
    private static final int NANOS_PER_SECOND = 1_000_000_000;

    private final Arena arena = Arena.ofShared();
    private final int count;
    private final MemorySegment set;
    private final MemorySegment timeout = arena.allocate(TIMESPEC_BYTES, Long.BYTES);

    /**
     * Prepares to wait for descriptors, which are then known by their position.
     *
     * @param descriptors must stay open until this is closed; each is {@linkplain #watch watched}
     *     for {@link #POLLIN}
     */
    public Poll(Fd... descriptors) {
        count = descriptors.length;
        set = arena.allocate((long) count * POLLFD_BYTES, Integer.BYTES);
        for (int position = 0; position < count; position++) {
            set.set(JAVA_INT, (long) position * POLLFD_BYTES, descriptors[position].number());
            watch(position, POLLIN);
        }
    }

    /** Changes what a descriptor is watched for. */
    public void watch(int position, int events) {
        set.set(JAVA_SHORT, (long) position * POLLFD_BYTES + EVENTS, (short) events);
    }

    /**
     * Waits.
     *
     * @param time how long at most; negative for ever
     * @return whether a descriptor is ready
     * @throws LinuxException when the kernel refuses
     */
    public boolean await(Duration time) {
        boolean forever = time.isNegative();
        Deadline deadline = forever ? Deadline.never() : Deadline.in(time);
        long answer;
        do {
            long left = deadline.leftNanos();
            timeout.set(JAVA_LONG, 0, left / NANOS_PER_SECOND);
            timeout.set(JAVA_LONG, Long.BYTES, left % NANOS_PER_SECOND);
            answer =
                    Syscall.call(
                            Syscall.Call.PPOLL,
                            set.address(),
                            count,
                            forever ? 0 : timeout.address(),
                            0,
                            0,
                            0);
        } while (answer == Errno.EINTR.negated());
        return LinuxException.check("ppoll", count + " descriptors", answer) > 0;
    }

    /** {@return the {@code POLL...} events that the last wait saw on a descriptor} */
    public int seen(int position) {
        return set.get(JAVA_SHORT, (long) position * POLLFD_BYTES + REVENTS);
    }

    /** Closes the set; the descriptors stay open. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
