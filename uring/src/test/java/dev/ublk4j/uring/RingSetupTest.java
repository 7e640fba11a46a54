package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a ring is asked for, with kernels of several ages that the test plays. */
class RingSetupTest {
    private static final int FD = 99;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment params = arena.allocate(RingSetup.PARAMS_BYTES, 8);
    private final List<Integer> asked = new ArrayList<>();

    enum Kernel {
        LINUX_6_6(0x1ffff),
        LINUX_6_1(0x3fff),
        LINUX_6_0(0x1fff),
        LINUX_5_19(0xfff),
        LINUX_5_18(0xff),
        LINUX_5_17(0x7f);

        final int known;

        Kernel(int known) {
            this.known = known;
        }
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private int negotiate(RingOptions options, int known) {
        return RingSetup.negotiate(
                options,
                params,
                own -> {
                    int flags = own.get(JAVA_INT, RingSetup.PARAMS_FLAGS);
                    asked.add(flags);
                    return (flags & ~known) == 0 ? FD : Errno.EINVAL.negated();
                });
    }

    @ParameterizedTest
    @EnumSource
    void everyKernelIsAskedForAsMuchAsItKnows(Kernel kernel) {
        RingOptions options = RingOptions.defaults().withTaskrunFlag(true);

        assertThat(negotiate(options, kernel.known)).isEqualTo(FD);

        int all =
                IoUring.IORING_SETUP_SUBMIT_ALL
                        | IoUring.IORING_SETUP_COOP_TASKRUN
                        | IoUring.IORING_SETUP_TASKRUN_FLAG
                        | IoUring.IORING_SETUP_SINGLE_ISSUER
                        | IoUring.IORING_SETUP_DEFER_TASKRUN
                        | IoUring.IORING_SETUP_NO_SQARRAY;
        assertThat(asked.getLast()).isEqualTo(all & kernel.known);
        assertThat(asked).doesNotHaveDuplicates();
    }

    @Test
    void whatIsDemandedIsNotDropped() {
        RingOptions options = RingOptions.defaults().withSqe128(true).withCompletionEntries(512);

        assertThat(negotiate(options, Kernel.LINUX_5_18.known)).isEqualTo(Errno.EINVAL.negated());
        assertThat(asked.getLast())
                .isEqualTo(IoUring.IORING_SETUP_SQE128 | IoUring.IORING_SETUP_CQSIZE);
        assertThat(params.get(JAVA_INT, RingSetup.PARAMS_CQ_ENTRIES)).isEqualTo(512);
    }

    @Test
    void anotherErrorEndsTheAsking() {
        int answer =
                RingSetup.negotiate(
                        RingOptions.defaults(),
                        params,
                        own -> {
                            asked.add(0);
                            return Errno.EPERM.negated();
                        });

        assertThat(answer).isEqualTo(Errno.EPERM.negated());
        assertThat(asked).hasSize(1);
    }

    @Test
    void memoryThatAClosedRingHasForAWhileIsWaitedFor() {
        assertThat(askedWithoutMemory(3)).isEqualTo(FD);
        assertThat(asked).hasSize(4);
    }

    @Test
    void aLackOfMemoryThatLastsIsTold() {
        assertThat(askedWithoutMemory(Integer.MAX_VALUE)).isEqualTo(Errno.ENOMEM.negated());
    }

    private int askedWithoutMemory(int times) {
        return RingSetup.negotiate(
                RingOptions.defaults(),
                params,
                _ -> {
                    asked.add(0);
                    return asked.size() <= times ? Errno.ENOMEM.negated() : FD;
                });
    }
}
