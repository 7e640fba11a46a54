package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class DenseRegionsTest {
    private static final long REGION = FrameMap.REGION_FRAMES;

    private final RangeTable table = new RangeTable();

    private FrameMap map() {
        return table.dense().mapAt(table.dense().stamp());
    }

    /** {@return frames that are each a range, from a first one on} */
    private static long[] scattered(long first, int count) {
        return LongStream.range(0, count).map(i -> first + 2 * i).toArray();
    }

    @Test
    void fewRangesAreLeftToTheTree() {
        table.register(scattered(0, DenseRegions.DENSE - 1), 0);

        assertThat(map().find(0)).isEqualTo(FrameMap.ELSEWHERE);
        assertThat(Placement.buffer(table.find(2))).isZero();
    }

    @Test
    void manyRangesInOneRegionHaveAWordEach() {
        table.register(scattered(0, DenseRegions.DENSE / 2), 0);
        table.register(scattered(5000, DenseRegions.DENSE / 2), 0);

        assertThat(map().find(0)).isEqualTo(table.tree().find(0)).isNotNegative();
        assertThat(map().find(1)).isEqualTo(Placement.NONE);
        assertThat(map().find(5002)).isEqualTo(table.tree().find(5002)).isNotNegative();
        assertThat(map().find(REGION)).isEqualTo(FrameMap.ELSEWHERE);
        table.checkInvariants();
    }

    @Test
    void aLargeRangeIsFoundInEveryRegionItReaches() {
        table.register(scattered(0, DenseRegions.DENSE), 0);
        table.register(scattered(2 * REGION, DenseRegions.DENSE), 0);
        long[] large = LongStream.range(REGION - 10, 2 * REGION).toArray();
        table.register(large, 0);

        assertThat(map().find(REGION - 1)).isEqualTo(table.tree().find(REGION - 1));
        assertThat(map().find(REGION)).isEqualTo(FrameMap.ELSEWHERE);
        assertThat(Placement.frames(table.find(REGION - 10))).isEqualTo(large.length);
        assertThat(Placement.frames(table.find(2 * REGION - 1))).isEqualTo(1);
        table.checkInvariants();
        table.unregister(2);
        assertThat(table.find(REGION - 1)).isEqualTo(Placement.NONE);
        table.checkInvariants();
    }

    @Test
    void aRegionThatThinsOutLosesItsWordsAndNotAtOnce() {
        table.register(scattered(0, DenseRegions.DENSE / 8), 0);
        table.register(scattered(4000, DenseRegions.DENSE), 0);
        table.register(scattered(8000, DenseRegions.DENSE / 8), 0);
        table.unregister(1);
        assertThat(map().find(0)).as("a quarter is left").isNotNegative();
        table.unregister(2);
        assertThat(map().find(0)).as("less than that").isEqualTo(FrameMap.ELSEWHERE);
        assertThat(Placement.buffer(table.find(0))).isZero();
        table.checkInvariants();
    }

    @Test
    void aClearedTableHasNoWords() {
        table.register(scattered(0, DenseRegions.DENSE), 0);
        table.clear(index -> {});

        assertThat(map().find(0)).isEqualTo(FrameMap.ELSEWHERE);
        assertThat(table.find(0)).isEqualTo(Placement.NONE);
        table.register(scattered(0, DenseRegions.DENSE), 0);
        assertThat(map().find(0)).isNotNegative();
        table.checkInvariants();
    }

    @Test
    void framesOfNoBufferAreAskedForSafely() {
        table.register(scattered(0, DenseRegions.DENSE), 0);

        assertThat(table.find(-1)).isEqualTo(Placement.NONE);
        assertThat(table.find(Long.MIN_VALUE)).isEqualTo(Placement.NONE);
        assertThat(table.find(1L << 52)).isEqualTo(Placement.NONE);
    }

    @Test
    void thePlacesOfManyRegionsAreAllFound() {
        int regions = 300;
        for (int i = 0; i < regions; i++) {
            table.register(scattered(i * 977L * REGION, DenseRegions.DENSE), 0);
        }
        for (int i = 0; i < regions; i++) {
            assertThat(Placement.buffer(map().find(i * 977L * REGION))).isEqualTo(i);
            assertThat(map().find((i * 977L + 1) * REGION)).isEqualTo(FrameMap.ELSEWHERE);
        }
    }

    @Test
    void whileTheTableChangesReadersAreSentToTheTree() {
        table.register(scattered(0, DenseRegions.DENSE), 0);
        long stamp = table.dense().stamp();
        table.dense().begin();
        try {
            assertThat(table.dense().isStill(stamp)).isFalse();
            assertThat(map().find(0)).isEqualTo(FrameMap.ELSEWHERE);
            assertThat(Placement.buffer(table.find(0))).isZero();
        } finally {
            table.dense().end();
        }
        assertThat(map().find(0)).isNotNegative();
    }
}
