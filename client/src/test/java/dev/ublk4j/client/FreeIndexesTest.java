package dev.ublk4j.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class FreeIndexesTest {
    @Test
    void eachNumberIsTakenOnceUntilItIsGivenBack() {
        FreeIndexes free = new FreeIndexes(3);
        assertThat(List.of(free.take(), free.take(), free.take()))
                .containsExactlyInAnyOrder(0, 1, 2);
        assertThat(free.take()).isEqualTo(-1);
        free.give(1);
        assertThat(free.take()).isEqualTo(1);
        assertThat(free.take()).isEqualTo(-1);
    }

    @Test
    void noTwoThreadsEverHaveTheSameNumber() throws InterruptedException, ExecutionException {
        int numbers = 3;
        FreeIndexes free = new FreeIndexes(numbers);
        AtomicIntegerArray holders = new AtomicIntegerArray(numbers);
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<Integer>> answers = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                answers.add(
                        threads.submit(() -> {
                            int taken = 0;
                            for (int i = 0; i < 200_000; i++) {
                                int number = free.take();
                                if (number >= 0) {
                                    assertThat(holders.incrementAndGet(number)).isEqualTo(1);
                                    holders.decrementAndGet(number);
                                    free.give(number);
                                    taken++;
                                }
                            }
                            return taken;
                        }));
            }
            int taken = 0;
            for (Future<Integer> answer : answers) {
                taken += answer.get();
            }
            assertThat(taken).isGreaterThan(numbers);
        }
        assertThat(List.of(free.take(), free.take(), free.take())).doesNotHaveDuplicates();
        assertThat(free.take()).isEqualTo(-1);
    }
}
