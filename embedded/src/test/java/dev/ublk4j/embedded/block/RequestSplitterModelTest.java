package dev.ublk4j.embedded.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.trials.Ops;
import dev.ublk4j.uapi.IoOp;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Compares the splitter with a model that walks the data byte by byte and tries every end. */
class RequestSplitterModelTest {
    private static final int SETS_OF_LIMITS = 200;
    private static final long MAX_BYTES = 0xffff_ffffL;

    /** A segment, in numbers that each set of limits makes its own segment of. */
    private record Piece(int frame, int offset, int length, boolean wholePages) {
        static Piece random(Random random) {
            return new Piece(
                    random.nextInt(40),
                    random.nextInt(4096),
                    random.nextInt(9000),
                    random.nextInt(3) > 0);
        }

        void addTo(Segments data, int unit) {
            if (wholePages) {
                data.add(frame, 0, 4096 * (1 + length % 4));
            } else {
                data.add(frame, offset / unit * unit, Math.max(unit, length / unit * unit));
            }
        }
    }

    /** A submission without data. */
    private record Blocks(long first, long count) {
        static Blocks random(Random random) {
            return new Blocks(random.nextInt(500), 1 + random.nextInt(2000));
        }
    }

    @Test
    @DisplayName("reads and writes are cut as late as the limits allow, and nothing is lost")
    void readsAndWrites() {
        for (int set = 0; set < SETS_OF_LIMITS; set++) {
            Random random = new Random(set);
            QueueLimits limits = randomLimits(random).build();
            long sector = (long) random.nextInt(500) * (limits.logicalBlockBytes() >> 9);
            int op = random.nextInt(2);
            Ops.check(
                    set,
                    5,
                    12,
                    Piece::random,
                    pieces -> {
                        Segments data = wholeBlocks(pieces, limits);
                        check(limits, op, sector, data.bytes(), data);
                    });
        }
    }

    @Test
    @DisplayName("discards and write-zeroes are cut as late as the limits allow")
    void discardsAndWriteZeroes() {
        for (int set = 0; set < SETS_OF_LIMITS; set++) {
            Random random = new Random(set);
            QueueLimits limits = randomLimits(random).build();
            int op = random.nextBoolean() ? IoOp.UBLK_IO_OP_DISCARD : IoOp.UBLK_IO_OP_WRITE_ZEROES;
            long block = limits.logicalBlockBytes();
            Ops.check(
                    set,
                    5,
                    4,
                    Blocks::random,
                    submissions -> {
                        for (Blocks blocks : submissions) {
                            long sector = blocks.first * (block >> 9);
                            check(limits, op, sector, blocks.count * block, new Segments(0));
                        }
                    });
        }
    }

    private static QueueLimits.Builder randomLimits(Random random) {
        int blockShift = 9 + random.nextInt(4);
        QueueLimits.Builder builder =
                QueueLimits.of(1 << blockShift, 8 + random.nextInt(120))
                        .physicalBlock(1 << (blockShift + random.nextInt(4)))
                        .dmaAlignment((1 << random.nextInt(1, 10)) - 1)
                        .discard(
                                512L * random.nextInt(40),
                                512L * random.nextInt(40),
                                1 + random.nextInt(300),
                                1)
                        .writeZeroes(1 + random.nextInt(300));
        if (random.nextBoolean()) {
            builder.chunk(1 + random.nextInt(100));
        }
        if (random.nextBoolean()) {
            builder.virtBoundary((1L << random.nextInt(9, 15)) - 1);
        }
        if (random.nextBoolean()) {
            builder.segments(
                    (1L << random.nextInt(12, 16)) - 1,
                    4096 + 512 * random.nextInt(20),
                    1 + random.nextInt(8));
        }
        return builder;
    }

    /** {@return data whose segments are aligned, and together whole blocks} */
    private static Segments wholeBlocks(List<Piece> pieces, QueueLimits limits) {
        Segments data = new Segments(1);
        pieces.forEach(piece -> piece.addTo(data, limits.dmaAlignmentMask() + 1));
        long block = limits.logicalBlockBytes();
        int missing = (int) ((block - data.bytes() % block) % block);
        if (missing > 0) {
            data.add(3, 0, missing);
        }
        return data;
    }

    private static void check(QueueLimits limits, int op, long sector, long bytes, Segments data) {
        String submission =
                "%s sector=%d bytes=%d data=%s %s"
                        .formatted(IoOp.name(op), sector, bytes, data, limits);
        RequestSplitter splitter = new RequestSplitter(limits);
        assertThat(splitter.validate(op, sector, bytes, data, Long.MAX_VALUE, false))
                .as(submission)
                .isZero();
        splitter.begin(op, sector, bytes, data);
        Model model = new Model(limits, data, sector);
        long left = bytes;
        while (left > 0) {
            long expected =
                    switch (op) {
                        case IoOp.UBLK_IO_OP_DISCARD -> model.discard(left);
                        case IoOp.UBLK_IO_OP_WRITE_ZEROES -> model.writeZeroes(left);
                        default -> model.readWrite(left);
                    };
            String piece = "%s, %d bytes left".formatted(submission, left);
            if (expected == 0) {
                assertThat(splitter.next()).as(piece).isEqualTo(Errno.EINVAL.negated());
                return;
            }
            assertThat(splitter.next()).as(piece).isEqualTo(expected);
            assertThat(splitter.sector()).as(piece).isEqualTo(model.sector);
            if (data.count() > 0) {
                assertThat(splitter.segment()).as(piece).isEqualTo(model.segment);
                assertThat(splitter.inSegment()).as(piece).isEqualTo(model.inSegment);
                model.advance(expected);
            }
            model.sector += expected >> 9;
            left -= expected;
        }
        assertThat(splitter.next()).as(submission).isZero();
    }

    /** The rest of a submission, and how much of it may be one request. */
    private static final class Model {
        private final QueueLimits limits;
        private final Segments data;
        private long sector;
        private int segment;
        private int inSegment;

        Model(QueueLimits limits, Segments data, long sector) {
            this.limits = limits;
            this.data = data;
            this.sector = sector;
        }

        void advance(long bytes) {
            for (long i = 0; i < bytes; i++) {
                step();
            }
        }

        private void step() {
            inSegment++;
            if (inSegment == data.length(segment)) {
                segment++;
                inSegment = 0;
            }
        }

        /** The last of all ends that no limit forbids; those at a physical block come first. */
        private long longest(long mostSectors) {
            long block = limits.logicalBlockBytes() >> 9;
            long physical = limits.physicalBlockBytes() >> 9;
            long chunk = limits.chunkSectors();
            long best = 0;
            long bestPhysical = 0;
            for (long sectors = 1; sectors <= mostSectors; sectors++) {
                if (chunk != 0 && sector / chunk != (sector + sectors - 1) / chunk) {
                    break;
                }
                best = sectors % block == 0 ? sectors : best;
                bestPhysical = (sector + sectors) % physical == 0 ? sectors : bestPhysical;
            }
            return (bestPhysical != 0 ? bestPhysical : best) << 9;
        }

        long writeZeroes(long left) {
            long most = longest(limits.maxWriteZeroesSectors());
            return most == 0 ? left : Math.min(left, most);
        }

        long discard(long left) {
            long unit = limits.discardGranularityBytes() / 512;
            long shift = limits.discardAlignmentBytes() / 512;
            long leftSectors = left >> 9;
            long most = 0;
            while (most + unit <= limits.maxDiscardSectors()) {
                most += unit;
            }
            if (most == 0 || leftSectors <= most) {
                return left;
            }
            while (Math.floorMod(sector + most - shift, unit) != 0) {
                most--;
            }
            return most << 9;
        }

        long readWrite(long left) {
            assertThat(left).isLessThan(MAX_BYTES);
            int untouched = data.offset(segment) + data.length(segment);
            boolean onePage = left == data.length(segment) - inSegment && untouched <= 4096;
            if (onePage && limits.chunkSectors() == 0) {
                return left;
            }
            long most = Math.min(left, longest(limits.maxSectors()));
            long valid = validPrefix(most);
            return valid == left
                    ? left
                    : valid / limits.logicalBlockBytes() * limits.logicalBlockBytes();
        }

        /** How many of the next bytes make no more segments, and no other ones, than allowed. */
        private long validPrefix(long most) {
            int oldSegment = segment;
            int oldInSegment = inSegment;
            int parts = 0;
            long partBytes = 0;
            long previousEnd = 0;
            long bytes = 0;
            for (; bytes < most; bytes++, partBytes++, step()) {
                long inPage = data.offset(segment) + (long) inSegment;
                long address = (data.frame(segment) << 12) + inPage;
                boolean first = bytes == 0;
                boolean otherSegment = !first && inSegment == 0;
                boolean newPart =
                        first
                                || otherSegment
                                || partBytes == limits.maxSegmentBytes()
                                || (address & limits.segBoundaryMask()) == 0;
                if (newPart) {
                    // Offsets count from the first page of what is left of a segment.
                    long meeting = otherSegment ? inPage | previousEnd : previousEnd;
                    boolean gap = !first && (meeting & limits.virtBoundaryMask()) != 0;
                    if (gap || parts == limits.maxSegments()) {
                        break;
                    }
                    parts++;
                    partBytes = 0;
                }
                long start = segment == oldSegment ? inPage - (inSegment - oldInSegment) : 0;
                long firstPage = segment == oldSegment ? start & -4096 : 0;
                previousEnd = inPage - firstPage + 1;
            }
            segment = oldSegment;
            inSegment = oldInSegment;
            return bytes;
        }
    }
}
