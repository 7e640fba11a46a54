package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The calls of {@code io_uring_enter} on one ring, with their arguments allocated beforehand.
 *
 * <pre>{@code
 * struct io_uring_getevents_arg {  // 24 bytes
 *     __u64 sigmask;
 *     __u32 sigmask_sz;
 *     __u32 min_wait_usec;
 *     __u64 ts;                    // struct __kernel_timespec { __s64 tv_sec; __s64 tv_nsec; }
 * };
 * }</pre>
 */
final class Enter {
    /*
     * What a return value means:
     * ---------------------
     * A positive return value is the number of entries taken, and hides how the wait that followed ended:
     * by enough completions, by time or by a signal. Therefore the wait's end is told from the
     * completion ring and the clock. A wait error shows only where nothing was submitted. Fewer
     * entries than asked for means that the wait did not take place; the rest is submitted again.
     */
    static final int GETEVENTS_ARG_BYTES = 24;
    static final int GETEVENTS_ARG_TS = 16;

    static final int TIMESPEC_BYTES = 16;
    static final int TIMESPEC_SEC = 0;
    static final int TIMESPEC_NSEC = 8;

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final Fd fd;

    /** What calls name the ring by: its descriptor, or what the kernel remembers it by. */
    private final int ring;

    private final int ringFlags;
    private final SubmissionQueue submissions;
    private final CompletionQueue completions;
    private final MemorySegment timespec;
    private final MemorySegment argument;

    /**
     * Creates the calls.
     *
     * @param place from {@link Registration#ringFd}; negative where the descriptor is to be used
     */
    Enter(Fd fd, int place, SubmissionQueue submissions, CompletionQueue completions, Arena arena) {
        this.fd = fd;
        this.ring = place < 0 ? fd.number() : place;
        this.ringFlags = place < 0 ? 0 : IoUring.IORING_ENTER_REGISTERED_RING;
        this.submissions = submissions;
        this.completions = completions;
        this.timespec = arena.allocate(TIMESPEC_BYTES, Long.BYTES);
        this.argument = arena.allocate(GETEVENTS_ARG_BYTES, Long.BYTES);
        argument.set(JAVA_LONG, GETEVENTS_ARG_TS, timespec.address());
    }

    /** Stores a time span as the kernel reads it, at an offset of 16-byte steps. */
    static void timespec(MemorySegment segment, long base, long nanos) {
        segment.set(JAVA_LONG, base + TIMESPEC_SEC, nanos / NANOS_PER_SECOND);
        segment.set(JAVA_LONG, base + TIMESPEC_NSEC, nanos % NANOS_PER_SECOND);
    }

    /** See {@link Ring#submit}. */
    int submit() {
        int submitted = 0;
        int pending = submissions.publish();
        while (pending > 0) {
            int answer = enter(pending, 0, 0, 0, 0);
            if (answer > 0) {
                submitted += answer;
            } else if (answer != Errno.EINTR.negated()) {
                return stalled(submitted, answer, 0);
            }
            pending = submissions.pending();
        }
        return submitted;
    }

    /** See {@link Ring#submitAndWait(int)}. */
    int submitAndWait(int minimum) {
        int wanted = Math.min(minimum, completions.entries());
        int submitted = 0;
        do {
            int pending = submissions.publish();
            int answer = enter(pending, wanted, IoUring.IORING_ENTER_GETEVENTS, 0, 0);
            if (answer > 0) {
                submitted += answer;
            } else if (answer != Errno.EINTR.negated() && (answer < 0 || pending > 0)) {
                return stalled(submitted, answer, wanted);
            }
        } while (submissions.pending() > 0 || completions.ready() < wanted);
        return submitted;
    }

    /** See {@link Ring#submitAndWait(int, long)}. */
    int submitAndWait(int minimum, long timeoutNanos) {
        int wanted = Math.min(minimum, completions.entries());
        int submitted = 0;
        long start = System.nanoTime();
        long left = timeoutNanos;
        while (true) {
            int pending = submissions.publish();
            timespec(timespec, 0, left);
            int answer =
                    enter(
                            pending,
                            wanted,
                            IoUring.IORING_ENTER_GETEVENTS | IoUring.IORING_ENTER_EXT_ARG,
                            argument.address(),
                            GETEVENTS_ARG_BYTES);
            if (answer > 0) {
                submitted += answer;
            } else if (answer != Errno.EINTR.negated()
                    && answer != Errno.ETIME.negated()
                    && (answer < 0 || pending > 0)) {
                return stalled(submitted, answer, wanted);
            }
            if (submissions.pending() == 0) {
                if (completions.ready() >= wanted) {
                    return submitted;
                }
                left = timeoutNanos - (System.nanoTime() - start);
                if (left <= 0 || answer == Errno.ETIME.negated()) {
                    return Errno.ETIME.negated();
                }
            }
        }
    }

    /** Has the kernel move completions that found no room into the ring, as far as they fit now. */
    void flush() {
        int answer = enter(0, 0, IoUring.IORING_ENTER_GETEVENTS, 0, 0);
        if (answer < 0
                && answer != Errno.EINTR.negated()
                && answer != Errno.EBUSY.negated()
                && answer != Errno.EAGAIN.negated()) {
            throw refused(answer, 0);
        }
    }

    private int enter(int submit, int wanted, int flags, long address, long bytes) {
        int answer =
                (int)
                        Syscall.call(
                                Syscall.Call.IO_URING_ENTER,
                                ring,
                                submit,
                                wanted,
                                flags | ringFlags,
                                address,
                                bytes);
        submissions.refresh();
        return answer;
    }

    /** Decides what a caller sees when the kernel takes no more entries. */
    private int stalled(int submitted, int answer, int wanted) {
        if (answer == 0 || answer == Errno.EAGAIN.negated() || answer == Errno.EBUSY.negated()) {
            if (submitted > 0) {
                return submitted;
            }
            return answer == 0 ? Errno.EAGAIN.negated() : answer;
        }
        throw refused(answer, wanted);
    }

    private LinuxException refused(int answer, int wanted) {
        return new LinuxException(
                "io_uring_enter",
                "%s, %d to submit, %d to wait for".formatted(fd, submissions.pending(), wanted),
                answer);
    }
}
