package dev.ublk4j.trials;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpsTest {
    @Test
    void aFailureThatTakesTwoOperationsIsReducedToThem() {
        assertThatThrownBy(() ->
                        Ops.check(
                                1,
                                1000,
                                200,
                                random -> random.nextInt(100),
                                OpsTest::failsWith42BeforeSeven))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("seed=")
                .hasMessageContaining("ops=[42, 7]")
                .hasRootCauseMessage("42 before 7");
    }

    @Test
    void everyRoundHasItsOwnSequence() {
        List<List<Integer>> seen = new ArrayList<>();
        Ops.check(1, 20, 10, random -> random.nextInt(), seen::add);

        assertThat(seen).hasSize(20 * Integer.getInteger("ublk4j.model.factor", 1));
        assertThat(seen).doesNotHaveDuplicates();
        assertThat(seen).allSatisfy(ops -> assertThat(ops).hasSizeBetween(1, 10));
    }

    @Test
    void aTallySaysHowMuchWasTried() {
        List<List<Integer>> seen = new ArrayList<>();
        Ops.Tally tally =
                Ops.checkFor(1, Duration.ofMillis(1), 10, random -> random.nextInt(), seen::add);

        assertThat(tally.sequences()).isPositive().isEqualTo(seen.size());
        assertThat(tally.operations()).isEqualTo(seen.stream().mapToLong(List::size).sum());
    }

    private static void failsWith42BeforeSeven(List<Integer> ops) {
        int at = ops.indexOf(42);
        if (at >= 0 && ops.subList(at, ops.size()).contains(7)) {
            throw new IllegalStateException("42 before 7");
        }
    }
}
