package dev.ublk4j.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageRunsTest {
    @Test
    void runsDoNotOverlapAndAllPagesCanBeHad() {
        record Run(int first, int count) {}
        int pages = 100;
        PageRuns runs = new PageRuns(pages);
        BitSet model = new BitSet();
        List<Run> taken = new ArrayList<>();
        Random random = new Random(5);
        for (int step = 0; step < 10_000; step++) {
            int count = 1 + random.nextInt(30);
            if (random.nextBoolean()) {
                int first = runs.take(count);
                if (first >= 0) {
                    assertThat(first + count).isLessThanOrEqualTo(pages);
                    assertThat(model.get(first, first + count).isEmpty()).isTrue();
                    model.set(first, first + count);
                    taken.add(new Run(first, count));
                } else {
                    assertThat(longestFree(model, pages)).isLessThan(count);
                }
            } else if (!taken.isEmpty()) {
                Run run = taken.remove(random.nextInt(taken.size()));
                runs.giveBack(run.first, run.count);
                model.clear(run.first, run.first + run.count);
            }
        }
        taken.forEach(run -> runs.giveBack(run.first, run.count));
        assertThat(runs.isEmpty()).isTrue();
        assertThat(runs.take(pages)).isZero();
    }

    private static int longestFree(BitSet used, int pages) {
        int longest = 0;
        int first = used.nextClearBit(0);
        while (first < pages) {
            int next = used.nextSetBit(first);
            int end = next < 0 ? pages : next;
            longest = Math.max(longest, end - first);
            first = used.nextClearBit(end);
        }
        return longest;
    }
}
