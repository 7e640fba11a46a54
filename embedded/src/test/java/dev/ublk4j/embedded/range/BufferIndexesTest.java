package dev.ublk4j.embedded.range;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BufferIndexesTest {
    private final BufferIndexes indexes = new BufferIndexes();

    @Test
    void allIndexesAreGivenOutInOrderAndThenNone() {
        for (int i = 0; i < BufferIndexes.COUNT; i++) {
            assertThat(indexes.take()).isEqualTo(i);
        }
        assertThat(indexes.take()).isEqualTo(-1);
        assertThat(indexes.taken()).isEqualTo(65_536);

        indexes.release(65_535);
        indexes.release(64);
        assertThat(indexes.take()).isEqualTo(64);
        assertThat(indexes.take()).isEqualTo(65_535);
        assertThat(indexes.take()).isEqualTo(-1);

        indexes.releaseAll();
        assertThat(indexes.take()).isZero();
        assertThat(indexes).hasToString("1 of 65536 indexes taken");
    }

    @Test
    void theLowestFreeIndexIsTheOneABitSetFinds() {
        Random random = new Random(1);
        BitSet model = new BitSet();
        for (int i = 0; i < 200_000; i++) {
            int index = random.nextInt(BufferIndexes.COUNT);
            if (random.nextInt(3) == 0 && model.get(index)) {
                indexes.release(index);
                model.clear(index);
            } else {
                int lowest = model.nextClearBit(0);
                assertThat(indexes.take()).isEqualTo(lowest < BufferIndexes.COUNT ? lowest : -1);
                if (lowest < BufferIndexes.COUNT) {
                    model.set(lowest);
                }
            }
            assertThat(indexes.isTaken(index)).isEqualTo(model.get(index));
        }
        assertThat(indexes.taken()).isEqualTo(model.cardinality());
    }
}
