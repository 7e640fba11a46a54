package dev.ublk4j.embedded.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import org.junit.jupiter.api.Test;

class QueueLimitsTest {
    @Test
    void fillsInWhatStartDevTakesWithoutFurtherParameters() {
        QueueLimits limits = QueueLimits.of(512, 1024).build();

        assertThat(limits.physicalBlockBytes()).isEqualTo(512);
        assertThat(limits.maxSectors()).isEqualTo(1024);
        assertThat(limits.dmaAlignmentMask()).isEqualTo(3);
        assertThat(limits.maxSegments()).isEqualTo(65535);
        assertThat(limits.maxSegmentBytes()).isEqualTo(0xffff_ffffL);
        assertThat(limits.segBoundaryMask()).isEqualTo(0xffff_ffffL);
        assertThat(limits.maxDiscardSegments()).isEqualTo(1);
    }

    @Test
    void keepsRequestsAtFourMebibytesUnlessTheBestIoIsLarger() {
        assertThat(QueueLimits.of(4096, 1 << 16).build().maxSectors()).isEqualTo(8192);
        assertThat(QueueLimits.of(4096, 1 << 16).preferredIo(512, 8 << 20).build().maxSectors())
                .isEqualTo(16384);
        assertThat(QueueLimits.of(4096, 1 << 16).preferredIo(16 << 20, 0).build().maxSectors())
                .isEqualTo(32768);
        assertThat(QueueLimits.of(4096, 1 << 13).preferredIo(512, 8 << 20).build().maxSectors())
                .isEqualTo(8192);
    }

    @Test
    void makesTheLargestRequestWholeBlocks() {
        assertThat(QueueLimits.of(4096, 1023).build().maxSectors()).isEqualTo(1016);
    }

    @Test
    void takesNoDmaAlignmentForThatOfSectors() {
        assertThat(QueueLimits.of(512, 8).dmaAlignment(0).build().dmaAlignmentMask())
                .isEqualTo(511);
    }

    @Test
    void discardsInUnitsOfThePhysicalBlockAtLeast() {
        QueueLimits limits =
                QueueLimits.of(512, 8).physicalBlock(4096).discard(512, 0, 64, 1).build();

        assertThat(limits.discardGranularityBytes()).isEqualTo(4096);
    }

    @Test
    void hasNoDiscardGranularityWithoutDiscards() {
        assertThat(QueueLimits.of(512, 8).discard(4096, 0, 0, 1).build().discardGranularityBytes())
                .isZero();
    }

    @Test
    void takesMasksOfAllBits() {
        QueueLimits limits =
                QueueLimits.of(512, 8).segments(-1, 4096, 1).virtBoundary(4095).build();

        assertThat(limits.segBoundaryMask()).isEqualTo(Long.MAX_VALUE);
        assertThat(limits.fastSegmentBytes()).isEqualTo(4096);
    }

    @Test
    void refusesWhatTheBlockLayerRefuses() {
        refuses(QueueLimits.of(8192, 64));
        refuses(QueueLimits.of(768, 64));
        refuses(QueueLimits.of(512, 7));
        refuses(QueueLimits.of(512, 64).physicalBlock(3000));
        refuses(QueueLimits.of(512, 64).segments(511, 4096, 1));
        refuses(QueueLimits.of(512, 64).segments(4095, 2048, 1));
        refuses(QueueLimits.of(512, 64).dmaAlignment(8191));
    }

    private static void refuses(QueueLimits.Builder builder) {
        assertThatThrownBy(builder::build)
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }
}
