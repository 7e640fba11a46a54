package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What the io_uring of a kernel can do.
 *
 * <pre>{@code
 * struct io_uring_probe {         // 16 bytes, then the operations
 *     __u8  last_op, ops_len;
 *     __u16 resv;
 *     __u32 resv2[3];
 *     struct io_uring_probe_op {  // 8 bytes
 *         __u8  op, resv;
 *         __u16 flags;
 *         __u32 resv2;
 *     } ops[];
 * };
 * }</pre>
 *
 * @param available whether a ring can be made at all
 * @param features {@code IORING_FEAT_...}
 * @param setupFlags the {@code IORING_SETUP_...} that {@link Ring} may use, as far as the kernel
 *     takes them
 * @param operations those it knows, unmodifiable
 */
public record RingFeatures(
        boolean available, int features, int setupFlags, Set<Opcode> operations) {
    static final int PROBE_BYTES = 16;
    static final int PROBE_OPS_LEN = 1;
    static final int PROBE_OP_BYTES = 8;
    static final int PROBE_OP_FLAGS = 2;

    private static final int MAX_OPERATIONS = 256;

    /** Every flag, with those that the kernel wants beside it. */
    private static final int[][] FLAGS = {
        {IoUring.IORING_SETUP_CQSIZE, 0},
        {IoUring.IORING_SETUP_SUBMIT_ALL, 0},
        {IoUring.IORING_SETUP_COOP_TASKRUN, 0},
        {IoUring.IORING_SETUP_TASKRUN_FLAG, IoUring.IORING_SETUP_COOP_TASKRUN},
        {IoUring.IORING_SETUP_SQE128, 0},
        {IoUring.IORING_SETUP_SINGLE_ISSUER, 0},
        {IoUring.IORING_SETUP_DEFER_TASKRUN, IoUring.IORING_SETUP_SINGLE_ISSUER},
        {IoUring.IORING_SETUP_NO_SQARRAY, 0},
    };

    /** Copies the operations. */
    public RingFeatures {
        EnumSet<Opcode> copy = EnumSet.noneOf(Opcode.class);
        copy.addAll(operations);
        operations = Collections.unmodifiableSet(copy);
    }

    /** {@return what the running kernel can do, probed once} */
    public static RingFeatures host() {
        return Host.FEATURES;
    }

    private static final class Host {
        static final RingFeatures FEATURES = probe();
    }

    /** {@return whether the kernel knows an operation} */
    public boolean supports(Opcode opcode) {
        return operations.contains(opcode);
    }

    /** {@return whether entries can have 128 bytes} */
    public boolean sqe128() {
        return has(IoUring.IORING_SETUP_SQE128);
    }

    /** {@return whether a ring can be for one thread} */
    public boolean singleIssuer() {
        return has(IoUring.IORING_SETUP_SINGLE_ISSUER);
    }

    /** {@return whether completions can be produced while the owner waits} */
    public boolean deferTaskrun() {
        return has(IoUring.IORING_SETUP_DEFER_TASKRUN);
    }

    /** {@return whether registered buffers can be sparse, updated and tagged} */
    public boolean bufferTable() {
        return (features & IoUring.IORING_FEAT_RSRC_TAGS) != 0;
    }

    private boolean has(int flag) {
        return (setupFlags & flag) != 0;
    }

    private static RingFeatures probe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment params = arena.allocate(RingSetup.PARAMS_BYTES, Long.BYTES);
            int answer = RingSetup.setup(1, params);
            if (answer < 0) {
                return new RingFeatures(false, 0, 0, Set.of());
            }
            try (Fd fd = Fd.own(answer, "io_uring")) {
                return new RingFeatures(
                        true,
                        params.get(JAVA_INT, RingSetup.PARAMS_FEATURES),
                        setupFlags(params),
                        operations(fd, arena));
            }
        }
    }

    private static int setupFlags(MemorySegment params) {
        int flags = 0;
        for (int[] flag : FLAGS) {
            params.fill((byte) 0);
            params.set(JAVA_INT, RingSetup.PARAMS_FLAGS, flag[0] | flag[1]);
            params.set(JAVA_INT, RingSetup.PARAMS_CQ_ENTRIES, 2);
            int answer = RingSetup.setup(1, params);
            if (answer >= 0) {
                Fd.own(answer, "io_uring").close();
                flags |= flag[0];
            } else if (answer != Errno.EINVAL.negated()) {
                throw new LinuxException(
                        "io_uring_setup", "flags 0x%x".formatted(flag[0] | flag[1]), answer);
            }
        }
        return flags;
    }

    private static Set<Opcode> operations(Fd fd, Arena arena) {
        MemorySegment probe =
                arena.allocate(PROBE_BYTES + (long) MAX_OPERATIONS * PROBE_OP_BYTES, Long.BYTES);
        LinuxException.check(
                "io_uring_register(REGISTER_PROBE)",
                fd.toString(),
                Syscall.call(
                        Syscall.Call.IO_URING_REGISTER,
                        fd.number(),
                        IoUring.IORING_REGISTER_PROBE,
                        probe.address(),
                        MAX_OPERATIONS));
        EnumSet<Opcode> operations = EnumSet.noneOf(Opcode.class);
        int count = probe.get(JAVA_BYTE, PROBE_OPS_LEN) & 0xff;
        for (int code = 0; code < count; code++) {
            int flags =
                    probe.get(
                            JAVA_SHORT,
                            PROBE_BYTES + (long) code * PROBE_OP_BYTES + PROBE_OP_FLAGS);
            Opcode opcode = Opcode.ofOrNull(code);
            if (opcode != null && (flags & IoUring.IO_URING_OP_SUPPORTED) != 0) {
                operations.add(opcode);
            }
        }
        return operations;
    }
}
