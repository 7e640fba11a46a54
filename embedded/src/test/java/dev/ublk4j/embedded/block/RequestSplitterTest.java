package dev.ublk4j.embedded.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoOp;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestSplitterTest {
    private static final Segments NO_DATA = new Segments(0);
    private static final int READ = IoOp.UBLK_IO_OP_READ;
    private static final int WRITE = IoOp.UBLK_IO_OP_WRITE;
    private static final int FLUSH = IoOp.UBLK_IO_OP_FLUSH;
    private static final int DISCARD = IoOp.UBLK_IO_OP_DISCARD;
    private static final int WRITE_ZEROES = IoOp.UBLK_IO_OP_WRITE_ZEROES;

    /** Sectors of the device of the validation tests. */
    private static final long DEVICE = 1000;

    /** {@return the sectors of each piece, and a negative errno should that be the end} */
    private static List<Long> cut(QueueLimits.Builder limits, int op, long sector, Segments data) {
        return cut(limits, op, sector, data.bytes(), data);
    }

    private static List<Long> cut(
            QueueLimits.Builder limits, int op, long sector, long bytes, Segments data) {
        RequestSplitter splitter = new RequestSplitter(limits.build());
        splitter.begin(op, sector, bytes, data);
        List<Long> pieces = new ArrayList<>();
        long length = splitter.next();
        for (; length > 0; length = splitter.next()) {
            pieces.add(length >> 9);
        }
        if (length < 0) {
            pieces.add(length);
        }
        return pieces;
    }

    /** {@return a list of (frame, offset, length)} */
    private static Segments data(int... numbers) {
        Segments segments = new Segments(1);
        for (int i = 0; i < numbers.length; i += 3) {
            segments.add(numbers[i], numbers[i + 1], numbers[i + 2]);
        }
        return segments;
    }

    @Test
    void leavesASmallRequestWhole() {
        assertThat(cut(QueueLimits.of(512, 1024), READ, 7, data(5, 512, 3584))).containsExactly(7L);
    }

    @Test
    void cutsAtTheLargestRequest() {
        assertThat(cut(QueueLimits.of(512, 64), WRITE, 0, data(5, 0, 70_144)))
                .containsExactly(64L, 64L, 9L);
    }

    @Test
    void saysWhereTheDataOfEachPieceBegins() {
        RequestSplitter splitter = new RequestSplitter(QueueLimits.of(512, 16).build());
        splitter.begin(READ, 100, 16_384, data(5, 0, 4096, 9, 0, 8192, 20, 0, 4096));

        assertThat(splitter.next()).isEqualTo(8192);
        assertThat(splitter.sector()).isEqualTo(100);
        assertThat(splitter.segment()).isZero();
        assertThat(splitter.inSegment()).isZero();
        assertThat(splitter.next()).isEqualTo(8192);
        assertThat(splitter.sector()).isEqualTo(116);
        assertThat(splitter.segment()).isEqualTo(1);
        assertThat(splitter.inSegment()).isEqualTo(4096);
        assertThat(splitter.next()).isZero();
        assertThat(splitter.next()).isZero();
    }

    @Test
    void crossesNoChunk() {
        assertThat(cut(QueueLimits.of(512, 64).chunk(16), READ, 10, data(5, 0, 16_384)))
                .containsExactly(6L, 16L, 10L);
        assertThat(cut(QueueLimits.of(512, 64).chunk(12), READ, 10, data(5, 0, 16_384)))
                .containsExactly(2L, 12L, 12L, 6L);
        assertThat(cut(QueueLimits.of(512, 64).chunk(4), READ, 0, data(5, 0, 4096)))
                .containsExactly(4L, 4L);
    }

    @Test
    void failsWhereAChunkLeavesNoWholeBlock() {
        long invalid = Errno.EINVAL.negated();
        assertThat(cut(QueueLimits.of(4096, 64).chunk(12), READ, 0, data(5, 0, 16_384)))
                .containsExactly(8L, invalid);
    }

    @Test
    void endsCutRequestsAtAPhysicalBlock() {
        QueueLimits.Builder limits = QueueLimits.of(512, 64).physicalBlock(4096);

        assertThat(cut(limits, READ, 3, data(5, 0, 40_960))).containsExactly(61L, 19L);
    }

    @Test
    void doesNotLookAtDataInOnePage() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8).physicalBlock(1 << 20);

        assertThat(cut(limits, READ, 2044, data(5, 0, 4096))).containsExactly(8L);
        assertThat(cut(limits, READ, 2044, data(5, 0, 2048, 7, 0, 2048))).containsExactly(4L, 4L);
    }

    @Test
    void countsSegmentsAndThePartsThatLimitsMakeOfThem() {
        assertThat(
                        cut(
                                QueueLimits.of(512, 64).segments(-1, 65_536, 2),
                                READ,
                                0,
                                data(5, 0, 4096, 7, 0, 4096, 9, 0, 4096)))
                .containsExactly(16L, 8L);
        assertThat(cut(QueueLimits.of(512, 64).segments(-1, 4096, 2), READ, 0, data(5, 0, 16_384)))
                .containsExactly(16L, 16L);
        // The boundary at frame 8 takes the segment apart.
        assertThat(
                        cut(
                                QueueLimits.of(512, 64).segments(0x7fff, 65_536, 1),
                                READ,
                                0,
                                data(7, 0, 16_384)))
                .containsExactly(8L, 24L);
    }

    @Test
    void doesNotJoinSegmentsThatTouch() {
        assertThat(
                        cut(
                                QueueLimits.of(512, 64).segments(-1, 65_536, 1),
                                READ,
                                0,
                                data(5, 0, 4096, 6, 0, 4096)))
                .containsExactly(8L, 8L);
    }

    @Test
    void cutsWhereSegmentsLeaveAGap() {
        QueueLimits.Builder limits = QueueLimits.of(512, 64).virtBoundary(4095);

        assertThat(cut(limits, READ, 0, data(5, 512, 3584, 7, 0, 4096, 9, 0, 512)))
                .containsExactly(16L);
        assertThat(cut(limits, READ, 0, data(5, 0, 4096, 7, 512, 1024, 9, 0, 4096)))
                .containsExactly(8L, 2L, 8L);
    }

    @Test
    void failsWhereAGapLeavesNoWholeBlock() {
        long invalid = Errno.EINVAL.negated();
        assertThat(
                        cut(
                                QueueLimits.of(512, 64).virtBoundary(4095),
                                READ,
                                0,
                                data(5, 0, 256, 7, 0, 256)))
                .containsExactly(invalid);
    }

    @Test
    void cutsToWholeBlocksWhereSegmentsAreSmaller() {
        assertThat(
                        cut(
                                QueueLimits.of(512, 64).segments(-1, 65_536, 3),
                                WRITE,
                                0,
                                data(1, 0, 256, 2, 0, 256, 3, 0, 256, 4, 0, 256, 5, 0, 512)))
                .containsExactly(1L, 2L);
    }

    @Test
    void cutsDiscardsAtTheirGranularity() {
        QueueLimits.Builder limits = QueueLimits.of(512, 64).discard(8192, 0, 100, 1);

        assertThat(cut(limits, DISCARD, 5, 200 << 9, NO_DATA)).containsExactly(91L, 96L, 13L);
    }

    @Test
    void countsDiscardsFromTheirAlignment() {
        QueueLimits.Builder limits = QueueLimits.of(512, 64).discard(8192, 1024, 96, 1);

        assertThat(cut(limits, DISCARD, 0, 200 << 9, NO_DATA)).containsExactly(82L, 96L, 22L);
    }

    @Test
    void leavesDiscardsWholeThatNoLimitCanCut() {
        QueueLimits.Builder limits = QueueLimits.of(512, 64).discard(1 << 20, 0, 100, 1);

        assertThat(cut(limits, DISCARD, 5, 5000 << 9, NO_DATA)).containsExactly(5000L);
    }

    @Test
    void cutsWhatIsTooLongForAnyRequest() {
        QueueLimits.Builder limits =
                QueueLimits.of(4096, 64)
                        .discard(4096, 0, 0xffff_ffffL, 1)
                        .writeZeroes(0xffff_ffffL);
        long most = (1L << 23) - 8;

        assertThat(cut(limits, DISCARD, 0, 3L << 32, NO_DATA))
                .containsExactly(most, most, most, 24L);
        assertThat(cut(limits, WRITE_ZEROES, 0, 3L << 32, NO_DATA))
                .containsExactly(most, most, most, 24L);
    }

    @Test
    void cutsWriteZeroesAtTheirLimitAndAtChunks() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8).chunk(64).writeZeroes(50);

        assertThat(cut(limits, WRITE_ZEROES, 0, 100 << 9, NO_DATA)).containsExactly(50L, 14L, 36L);
    }

    @Test
    void hasNoPieceForAFlush() {
        assertThat(cut(QueueLimits.of(512, 8), FLUSH, 0, NO_DATA)).isEmpty();
    }

    @Test
    void isUsedForOneSubmissionAfterTheOther() {
        RequestSplitter splitter = new RequestSplitter(QueueLimits.of(512, 8).build());
        splitter.begin(READ, 0, 16_384, data(5, 0, 16_384));
        assertThat(splitter.next()).isEqualTo(4096);

        splitter.begin(READ, 50, 512, data(9, 512, 512));
        assertThat(splitter.next()).isEqualTo(512);
        assertThat(splitter.sector()).isEqualTo(50);
        assertThat(splitter.next()).isZero();
    }

    private static int validate(QueueLimits.Builder limits, int op, long sector, Segments data) {
        return validate(limits, op, sector, data.bytes(), data, false);
    }

    private static int validate(
            QueueLimits.Builder limits,
            int op,
            long sector,
            long bytes,
            Segments data,
            boolean readOnly) {
        return new RequestSplitter(limits.build())
                .validate(op, sector, bytes, data, DEVICE, readOnly);
    }

    private static int errno(Errno errno) {
        return errno.negated();
    }

    @Test
    void takesWhatIsWithinTheDevice() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8);

        assertThat(validate(limits, READ, 0, data(5, 0, 4096))).isZero();
        assertThat(validate(limits, WRITE, 992, data(5, 0, 4096))).isZero();
        assertThat(validate(limits, FLUSH, 0, NO_DATA)).isZero();
        assertThat(validate(limits, READ, 2000, NO_DATA)).isZero();
    }

    @Test
    void refusesWhatReachesBeyondTheEnd() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8).discard(512, 0, 64, 1).writeZeroes(64);

        assertThat(validate(limits, READ, 993, data(5, 0, 4096))).isEqualTo(errno(Errno.EIO));
        assertThat(validate(limits, READ, -8, data(5, 0, 4096))).isEqualTo(errno(Errno.EIO));
        assertThat(validate(limits, READ, Long.MAX_VALUE, data(5, 0, 4096)))
                .isEqualTo(errno(Errno.EIO));
        assertThat(validate(limits, WRITE, 999, data(5, 0, 4096))).isEqualTo(errno(Errno.EIO));
        assertThat(validate(limits, WRITE, 1000, data(5, 0, 512))).isEqualTo(errno(Errno.ENOSPC));
        assertThat(validate(limits, DISCARD, 999, 1024, NO_DATA, false))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, WRITE_ZEROES, 1000, 512, NO_DATA, false))
                .isEqualTo(errno(Errno.EINVAL));
    }

    @Test
    void refusesPartsOfBlocks() {
        QueueLimits.Builder limits = QueueLimits.of(4096, 8).discard(4096, 0, 64, 1);

        assertThat(validate(limits, READ, 4, data(5, 0, 4096))).isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, READ, 8, data(5, 0, 2048))).isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, DISCARD, 8, 512, NO_DATA, false))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, DISCARD, 8, 0, NO_DATA, false)).isEqualTo(errno(Errno.EINVAL));
    }

    @Test
    void refusesMemoryThatIsNotAligned() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8);

        assertThat(validate(limits, READ, 0, data(5, 4, 512))).isZero();
        assertThat(validate(limits, READ, 0, data(5, 2, 512))).isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, READ, 0, data(5, 0, 254, 6, 0, 258)))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits.dmaAlignment(511), READ, 0, data(5, 4, 512)))
                .isEqualTo(errno(Errno.EINVAL));
    }

    @Test
    void refusesDataThatIsNotAsLongAsTheSectors() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8).writeZeroes(8);

        assertThat(validate(limits, READ, 0, 1024, data(5, 0, 512), false))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, WRITE_ZEROES, 0, 512, data(5, 0, 512), false))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, FLUSH, 0, data(5, 0, 512))).isEqualTo(errno(Errno.EINVAL));
    }

    @Test
    void refusesChangesToAReadOnlyDevice() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8).discard(512, 0, 64, 1).writeZeroes(64);

        for (int op : new int[] {DISCARD, WRITE_ZEROES}) {
            assertThat(validate(limits, op, 0, 512, NO_DATA, true)).isEqualTo(errno(Errno.EPERM));
        }
        Segments data = data(5, 0, 512);
        assertThat(validate(limits, WRITE, 0, 512, data, true)).isEqualTo(errno(Errno.EPERM));
        assertThat(validate(limits, READ, 0, 512, data, true)).isZero();
        assertThat(validate(limits, FLUSH, 0, 0, NO_DATA, true)).isZero();
    }

    @Test
    void looksAtTheRangeOfAWriteOfZeroesBeforeItLooksWhetherTheDeviceIsReadOnly() {
        QueueLimits.Builder limits =
                QueueLimits.of(4096, 64).discard(4096, 0, 64, 1).writeZeroes(64);

        assertThat(validate(limits, WRITE_ZEROES, 1, 4096, NO_DATA, true))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, WRITE_ZEROES, 0, 0, NO_DATA, true))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, WRITE_ZEROES, DEVICE, 4096, NO_DATA, true))
                .isEqualTo(errno(Errno.EINVAL));
        assertThat(validate(limits, WRITE_ZEROES, 0, 4096, NO_DATA, true))
                .isEqualTo(errno(Errno.EPERM));
        assertThat(validate(limits, DISCARD, 1, 4096, NO_DATA, true)).isEqualTo(errno(Errno.EPERM));
    }

    @Test
    void refusesOperationsThatTheDeviceDoesNotHave() {
        QueueLimits.Builder limits = QueueLimits.of(512, 8);

        for (int op : new int[] {DISCARD, WRITE_ZEROES, IoOp.UBLK_IO_OP_WRITE_SAME, 77}) {
            assertThat(validate(limits, op, 0, 512, NO_DATA, false))
                    .isEqualTo(errno(Errno.EOPNOTSUPP));
        }
    }
}
