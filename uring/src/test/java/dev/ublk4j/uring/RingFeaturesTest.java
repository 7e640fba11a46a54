package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RingFeaturesTest {
    @Test
    void theHostIsProbedOnce() {
        assertThat(RingFeatures.host()).isSameAs(RingFeatures.host());
    }

    @Test
    void aKernelWithIoUringKnowsTheOldestOperations() {
        assumeTrue(RingFeatures.host().available(), "the kernel gives no io_uring");

        assertThat(RingFeatures.host().operations())
                .contains(Opcode.NOP, Opcode.READV, Opcode.WRITEV, Opcode.FSYNC);
        assertThat(RingFeatures.host().features() & IoUring.IORING_FEAT_NODROP).isNotZero();
    }

    @Test
    void theFeaturesDoNotChangeWithTheSetTheyWereMadeFrom() {
        Set<Opcode> operations = EnumSet.of(Opcode.NOP);
        RingFeatures features = new RingFeatures(true, 0, 0, operations);
        operations.add(Opcode.READ);

        assertThat(features.supports(Opcode.NOP)).isTrue();
        assertThat(features.supports(Opcode.READ)).isFalse();
        assertThatThrownBy(() -> features.operations().clear())
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @ParameterizedTest
    @EnumSource(RingKind.class)
    void aRingGetsTheFlagsThatTheKernelTakes(RingKind kind) {
        RingOptions options = kind.options();
        RingFeatures features = RingFeatures.host();
        try (Ring ring = Ring.open(options)) {
            assertThat(has(ring, IoUring.IORING_SETUP_SINGLE_ISSUER))
                    .isEqualTo(options.singleIssuer() && features.singleIssuer());
            assertThat(has(ring, IoUring.IORING_SETUP_DEFER_TASKRUN))
                    .isEqualTo(options.deferTaskrun() && features.deferTaskrun());
            assertThat(has(ring, IoUring.IORING_SETUP_SQE128)).isEqualTo(options.sqe128());
        }
    }

    private static boolean has(Ring ring, int flag) {
        return (ring.setupFlags() & flag) != 0;
    }

    @Test
    void aRingHasTheSizesAskedForRoundedUp() {
        assumeTrue(RingFeatures.host().available(), "the kernel gives no io_uring");
        RingOptions options = RingOptions.defaults().withEntries(5).withCompletionEntries(100);
        try (Ring ring = Ring.open(options)) {
            assertThat(ring.free()).isEqualTo(8);
            assertThat(ring.completionEntries()).isEqualTo(128);
        }
    }

    @Test
    void optionsThatCannotBeAreRefused() {
        RingOptions options = RingOptions.defaults();

        assertThatThrownBy(() -> options.withEntries(0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> options.withEntries(32769))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> options.withCompletionEntries(64))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> options.withSingleIssuer(false).withDeferTaskrun(true))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(options.withSingleIssuer(false).deferTaskrun()).isFalse();
    }

    @Test
    void theLargestRingOpens() {
        assumeTrue(RingFeatures.host().available(), "the kernel gives no io_uring");
        RingOptions options =
                RingOptions.defaults().withCompletionEntries(65536).withEntries(32768);
        try (Ring ring = Ring.open(options)) {
            assertThat(ring.free()).isEqualTo(32768);
        } catch (LinuxException e) {
            assumeTrue(e.errno() != Errno.ENOMEM, "too little memory may be locked");
            throw e;
        }
    }
}
