package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BufferRunsTest {
    @Test
    void framesBecomeTheSameRunsAsTheirRunsDo() {
        BufferRuns frames = BufferRuns.ofFrames(5, 6, 7, 100, 8, 9);
        BufferRuns runs = new BufferRuns().add(5, 3).add(100, 1).add(8, 2);

        assertThat(frames).hasToString("BufferRuns[frames=6, runs=3]").hasToString(runs.toString());
        assertThat(frames.sorted(1, 0).firsts).isEqualTo(runs.sorted(1, 0).firsts);
        assertThat(frames.sorted(1, 0).placements).isEqualTo(runs.sorted(1, 0).placements);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 100",
        "2, 100",
        "48, 1000",
        "49, 1000",
        "5000, 100000",
        "5000, 4503599627370496"
    })
    void runsAreSortedByFrameAndKeepTheirPlacement(int count, long space) {
        Random random = new Random(count);
        BufferRuns runs = new BufferRuns();
        long[] frames = random.longs(count, 0, space).toArray();
        for (int i = 0; i < count; i++) {
            runs.add(frames[i], 1);
        }

        BufferRuns.Sorted sorted = runs.sorted(77, Placement.READ_ONLY);

        assertThat(sorted.firsts).isSorted().hasSize(runs.runs());
        for (int i = 0; i < sorted.firsts.length; i++) {
            long placement = sorted.placements[i];
            int offset = (int) (Placement.offsetBytes(placement) / 4096);
            assertThat(sorted.firsts[i]).isEqualTo(frames[offset]);
            assertThat(Placement.buffer(placement)).isEqualTo(77);
            assertThat(Placement.isReadOnly(placement)).isTrue();
        }
        assertThat(runs.sorted(3, 0).firsts).as("sorted once more").isEqualTo(sorted.firsts);
    }

    @Test
    void aBufferOfMoreThan4GibIsAMistake() {
        BufferRuns runs = new BufferRuns().add(0, Placement.MAX_BUFFER_FRAMES - 1);

        assertThatThrownBy(() -> runs.add(1L << 40, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("count=2, added=1048575, limit=1048576");
        assertThat(runs.add(1L << 40, 1).frames()).isEqualTo(1 << 20);
        assertThatThrownBy(() -> runs.add(1L << 41, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void framesOutside52BitsAndEmptyRunsAreMistakes() {
        BufferRuns runs = new BufferRuns();

        assertThatThrownBy(() -> runs.add(-1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add(1L << 52, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add((1L << 52) - 1, 2))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add(0, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add(0, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(runs).hasToString("BufferRuns[frames=0, runs=0]");
    }
}
