package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockStatusTest {
    private static final int BLOCK = 4096;

    private static BlockStatus of(AllocationMap map) {
        return new BlockStatus(BLOCK, map);
    }

    /** {@return the runs as numbers: data positive, holes negative} */
    private static List<Long> runs(Extents extents) {
        List<Long> runs = new ArrayList<>();
        for (int run = 0; run < extents.count(); run++) {
            runs.add(extents.isData(run) ? extents.length(run) : -extents.length(run));
        }
        return runs;
    }

    @Test
    void aBlockThatIsAHoleInPartIsData() {
        BlockStatus status =
                of((offset, length, extents) -> {
                    extents.add(8192 + 1024, false);
                    extents.add(1024, true);
                    extents.add(length - 8192 - 2048, false);
                });
        assertThat(runs(status.describe(0, 1 << 20, 100)))
                .containsExactly(-8192L, 4096L, -(1L << 20) + 12_288);
    }

    @Test
    void partsOfABlockThatAreAllHolesMakeAHole() {
        BlockStatus status =
                of((offset, length, extents) -> {
                    for (int part = 0; part < 8; part++) {
                        extents.add(1024, part == 7);
                    }
                });
        assertThat(runs(status.describe(0, 1 << 20, 100))).containsExactly(-4096L, 4096L);
    }

    @Test
    void nothingIsMadeOfWhatIsLeftOut() {
        BlockStatus short1 = of((offset, length, extents) -> extents.add(5000, false));
        assertThat(runs(short1.describe(0, 1 << 20, 100))).containsExactly(-4096L);
        BlockStatus shorter = of((offset, length, extents) -> extents.add(1000, false));
        assertThat(runs(shorter.describe(0, 1 << 20, 100))).containsExactly(4096L);
        BlockStatus empty = of((offset, length, extents) -> {});
        assertThat(runs(empty.describe(0, 1 << 20, 100))).containsExactly(1L << 20);
        assertThat(runs(new BlockStatus(BLOCK, null).describe(4096, 8192, 1)))
                .containsExactly(8192L);
    }

    @Test
    void moreThanWasAskedForIsCutOff() {
        BlockStatus status =
                of((offset, length, extents) -> {
                    extents.add(Long.MAX_VALUE, true);
                    extents.add(Long.MAX_VALUE, false);
                });
        assertThat(runs(status.describe(4096, 16_384, 100))).containsExactly(16_384L);
    }

    @Test
    void fewerThanNoBytesAreRefused() {
        BlockStatus status = of((offset, length, extents) -> extents.add(-4096, true));
        assertThatThrownBy(() -> status.describe(0, 8192, 100))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void oneExtentGoesAsFarAsTheNextKind() {
        BlockStatus status =
                of((offset, length, extents) -> {
                    extents.add(1024, true);
                    extents.add(1024, false);
                    extents.add(10_240, true);
                    extents.add(length, false);
                });
        assertThat(runs(status.describe(0, 1 << 20, 1))).containsExactly(12_288L);
    }

    @Test
    void whatIsToldAgreesWithEveryByteOfTheMap() {
        Random random = new Random(5);
        for (int round = 0; round < 3000; round++) {
            int blocks = 1 + random.nextInt(12);
            boolean[] isData = new boolean[blocks * BLOCK / 512];
            boolean now = random.nextBoolean();
            for (int sector = 0; sector < isData.length; sector++) {
                now ^= random.nextInt(5) == 0;
                isData[sector] = now;
            }
            int told = 1 + random.nextInt(40);
            AllocationMap map =
                    (offset, length, extents) -> {
                        for (int run = 0; run < told && run * 512L < length; run++) {
                            if (!extents.add(512, isData[(int) (offset / 512) + run])) {
                                return;
                            }
                        }
                    };
            long offset = (long) random.nextInt(blocks) * BLOCK;
            long length = blocks * (long) BLOCK - offset;
            int limit = 1 + random.nextInt(4);
            Extents extents = of(map).describe(offset, length, limit);

            assertThat(extents.count()).isBetween(1, limit);
            assertThat(extents.described()).isBetween((long) BLOCK, length);
            long at = offset;
            for (int run = 0; run < extents.count(); run++) {
                assertThat(extents.length(run) % BLOCK).isZero();
                if (!extents.isData(run)) {
                    for (long end = at + extents.length(run); at < end; at += 512) {
                        assertThat(isData[(int) (at / 512)]).as("hole at %d", at).isFalse();
                    }
                } else {
                    at += extents.length(run);
                }
            }
        }
    }

    @Test
    void aRangeOfNoWholeBlocksIsToldToItsEnds() {
        BlockStatus status =
                of((offset, length, extents) -> {
                    extents.add(8192, false);
                    extents.add(length - 8192, true);
                });
        assertThat(runs(status.describe(100, 10_000, 100))).containsExactly(-8092L, 1908L);
    }
}
