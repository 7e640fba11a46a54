package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.function.ToIntFunction;

/**
 * A ring as the kernel has made it.
 *
 * <pre>{@code
 * struct io_uring_params {  // 120 bytes
 *     __u32 sq_entries;     // asked, and what it became
 *     __u32 cq_entries;
 *     __u32 flags;          // IORING_SETUP_...
 *     __u32 sq_thread_cpu, sq_thread_idle;
 *     __u32 features;       // IORING_FEAT_..., from the kernel
 *     __u32 wq_fd, resv[3];
 *     struct io_sqring_offsets sq_off;  // where in the mapping the words are, from the kernel
 *     struct io_cqring_offsets cq_off;
 * };
 * }</pre>
 *
 * @param fd the ring; closing it ends the ring
 * @param arena holds the mappings
 * @param flags {@code IORING_SETUP_...} that took effect
 * @param features {@code IORING_FEAT_...}
 * @param submissions the ring of entries
 * @param completions the ring of completions
 */
record RingSetup(
        Fd fd,
        Arena arena,
        int flags,
        int features,
        SubmissionQueue submissions,
        CompletionQueue completions) {
    static final int PARAMS_BYTES = 120;

    static final int PARAMS_SQ_ENTRIES = 0;
    static final int PARAMS_CQ_ENTRIES = 4;
    static final int PARAMS_FLAGS = 8;
    static final int PARAMS_FEATURES = 20;
    static final int PARAMS_SQ_OFF = 40;
    static final int PARAMS_CQ_OFF = 80;

    static final int SQ_OFF_HEAD = 0;
    static final int SQ_OFF_TAIL = 4;
    static final int SQ_OFF_FLAGS = 16;
    static final int SQ_OFF_ARRAY = 24;

    static final int CQ_OFF_HEAD = 0;
    static final int CQ_OFF_TAIL = 4;
    static final int CQ_OFF_CQES = 20;

    private static final int REQUIRED =
            IoUring.IORING_FEAT_SINGLE_MMAP
                    | IoUring.IORING_FEAT_NODROP
                    | IoUring.IORING_FEAT_SUBMIT_STABLE
                    | IoUring.IORING_FEAT_EXT_ARG;

    /**
     * How long memory is waited for. The kernel takes a ring apart some time after it was closed,
     * and counts its memory as locked by the user until then.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final Duration PAUSE = Duration.ofMillis(2);

    /** Flags that a ring can do without, in the order in which kernels cease to know them. */
    private static final int[] OPTIONAL = {
        IoUring.IORING_SETUP_NO_SQARRAY,
        IoUring.IORING_SETUP_DEFER_TASKRUN,
        IoUring.IORING_SETUP_SINGLE_ISSUER,
        IoUring.IORING_SETUP_TASKRUN_FLAG,
        IoUring.IORING_SETUP_COOP_TASKRUN,
        IoUring.IORING_SETUP_SUBMIT_ALL,
    };

    /**
     * Makes a ring and maps it.
     *
     * @throws LinuxException when the kernel refuses, with {@link Errno#ENOSYS} where it is too old
     */
    static RingSetup of(RingOptions options) {
        // Shared, so that toString may be called by who watches the owner; confinement would make
        // no access cheaper.
        @SuppressWarnings("MustBeClosedChecker") // the ring owns it, or the handler below closes it
        Arena arena = Arena.ofShared();
        Fd fd = null;
        try {
            MemorySegment params = arena.allocate(PARAMS_BYTES, Long.BYTES);
            fd = setup(options, params);
            return map(fd, params, arena);
        } catch (Throwable e) {
            if (fd != null) {
                fd.close();
            }
            arena.close();
            throw e;
        }
    }

    private static Fd setup(RingOptions options, MemorySegment params) {
        int answer = negotiate(options, params, own -> setup(options.entries(), own));
        LinuxException.check("io_uring_setup", options.toString(), answer);
        Fd fd = Fd.own(answer, "io_uring");
        int missing = REQUIRED & ~params.get(JAVA_INT, PARAMS_FEATURES);
        if (missing != 0) {
            fd.close();
            throw new LinuxException(
                    "io_uring_setup",
                    "without features 0x%x".formatted(missing),
                    Errno.ENOSYS.negated());
        }
        return fd;
    }

    /**
     * Asks for all that is wanted, then for less and less.
     *
     * @param kernel returns a descriptor, or a negative errno
     * @return the last return value of the kernel
     */
    static int negotiate(
            RingOptions options, MemorySegment params, ToIntFunction<MemorySegment> kernel) {
        int flags = wanted(options);
        int answer = ask(options, flags, params, kernel);
        for (int optional : OPTIONAL) {
            if (answer != Errno.EINVAL.negated()) {
                break;
            }
            if ((flags & optional) != 0) {
                flags &= ~optional;
                answer = ask(options, flags, params, kernel);
            }
        }
        return answer;
    }

    private static int ask(
            RingOptions options,
            int flags,
            MemorySegment params,
            ToIntFunction<MemorySegment> kernel) {
        int[] answer = new int[1];
        boolean _ =
                Deadline.in(PATIENCE)
                        .poll(
                                PAUSE,
                                () -> {
                                    params.fill((byte) 0);
                                    params.set(JAVA_INT, PARAMS_FLAGS, flags);
                                    params.set(
                                            JAVA_INT,
                                            PARAMS_CQ_ENTRIES,
                                            options.completionEntries());
                                    answer[0] = kernel.applyAsInt(params);
                                    return answer[0] != Errno.ENOMEM.negated();
                                });
        return answer[0];
    }

    /** {@return the new ring's descriptor, or a negative errno} */
    static int setup(int entries, MemorySegment params) {
        return (int) Syscall.call(Syscall.Call.IO_URING_SETUP, entries, params.address(), 0);
    }

    private static int wanted(RingOptions options) {
        int flags =
                IoUring.IORING_SETUP_NO_SQARRAY
                        | IoUring.IORING_SETUP_COOP_TASKRUN
                        | IoUring.IORING_SETUP_SUBMIT_ALL;
        if (options.completionEntries() != 0) {
            flags |= IoUring.IORING_SETUP_CQSIZE;
        }
        if (options.sqe128()) {
            flags |= IoUring.IORING_SETUP_SQE128;
        }
        if (options.singleIssuer()) {
            flags |= IoUring.IORING_SETUP_SINGLE_ISSUER;
        }
        if (options.deferTaskrun()) {
            flags |= IoUring.IORING_SETUP_DEFER_TASKRUN;
        }
        if (options.taskrunFlag()) {
            flags |= IoUring.IORING_SETUP_TASKRUN_FLAG;
        }
        return flags;
    }

    private static RingSetup map(Fd fd, MemorySegment params, Arena arena) {
        int flags = params.get(JAVA_INT, PARAMS_FLAGS);
        int sqEntries = params.get(JAVA_INT, PARAMS_SQ_ENTRIES);
        int cqEntries = params.get(JAVA_INT, PARAMS_CQ_ENTRIES);
        MemorySegment sqOff = params.asSlice(PARAMS_SQ_OFF, PARAMS_CQ_OFF - PARAMS_SQ_OFF);
        MemorySegment cqOff = params.asSlice(PARAMS_CQ_OFF, PARAMS_BYTES - PARAMS_CQ_OFF);
        boolean array = (flags & IoUring.IORING_SETUP_NO_SQARRAY) == 0;
        int entryBytes = (flags & IoUring.IORING_SETUP_SQE128) == 0 ? Sqe.BYTES : Sqe.BYTES_128;

        long cqes = wordOffset(cqOff, CQ_OFF_CQES);
        long ringBytes = cqes + (long) cqEntries * Cqe.BYTES;
        long arrayOffset = wordOffset(sqOff, SQ_OFF_ARRAY);
        if (array) {
            ringBytes = Math.max(ringBytes, arrayOffset + (long) sqEntries * Integer.BYTES);
        }
        int protection = Mapping.PROT_READ | Mapping.PROT_WRITE;
        int sharing = Mapping.MAP_SHARED | Mapping.MAP_POPULATE;
        MemorySegment ring =
                Mapping.map(fd, IoUring.IORING_OFF_SQ_RING, ringBytes, protection, sharing, arena);
        MemorySegment sqes =
                Mapping.map(
                        fd,
                        IoUring.IORING_OFF_SQES,
                        (long) sqEntries * entryBytes,
                        protection,
                        sharing,
                        arena);
        if (array) {
            for (int i = 0; i < sqEntries; i++) {
                ring.set(JAVA_INT, arrayOffset + (long) i * Integer.BYTES, i);
            }
        }
        return new RingSetup(
                fd,
                arena,
                flags,
                params.get(JAVA_INT, PARAMS_FEATURES),
                new SubmissionQueue(
                        ring,
                        wordOffset(sqOff, SQ_OFF_HEAD),
                        wordOffset(sqOff, SQ_OFF_TAIL),
                        wordOffset(sqOff, SQ_OFF_FLAGS),
                        sqes,
                        entryBytes),
                new CompletionQueue(
                        ring,
                        wordOffset(cqOff, CQ_OFF_HEAD),
                        wordOffset(cqOff, CQ_OFF_TAIL),
                        cqes,
                        cqEntries));
    }

    private static long wordOffset(MemorySegment offsets, int field) {
        return Integer.toUnsignedLong(offsets.get(JAVA_INT, field));
    }
}
