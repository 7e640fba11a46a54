package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random use of a small ring: every operation completes once and in order. */
class RingModelTest {
    private static final int STEPS = 5_000;

    private final List<Long> seen = new ArrayList<>();
    private long prepared;

    private void nop(Ring ring) {
        ring.nop(prepared++);
    }

    @ParameterizedTest
    @EnumSource
    void everyOperationCompletesOnceWhateverTheOrderOfCalls(RingKind kind) {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        RingOptions options = kind.options().withEntries(4).withCompletionEntries(8);
        try (Ring ring = Ring.open(options)) {
            CompletionHandler handler =
                    (userData, result, flags) -> {
                        seen.add(userData);
                        if (random.nextInt(4) == 0) {
                            nop(ring);
                        }
                    };
            for (int step = 0; step < STEPS; step++) {
                int waiting = (int) Math.min(8, prepared - seen.size());
                switch (random.nextInt(6)) {
                    case 0, 1 -> {
                        for (int i = random.nextInt(7); i > 0; i--) {
                            nop(ring);
                        }
                    }
                    case 2 -> ring.submit();
                    case 3 -> ring.submitAndWait(random.nextInt(waiting + 1));
                    case 4 ->
                            assertThat(ring.submitAndWait(waiting + 1, 0))
                                    .as("seed %d, step %d", seed, step)
                                    .isIn(Errno.ETIME.negated(), 0, 1, 2, 3, 4);
                    default -> ring.drain(handler);
                }
                assertThat(ring.free() + ring.pendingSubmissions())
                        .as("seed %d, step %d", seed, step)
                        .isEqualTo(4);
            }
            while (ring.pendingSubmissions() > 0 || ring.needsEnter() || ring.ready() > 0) {
                ring.submitAndWait(0);
                ring.drain((userData, result, flags) -> seen.add(userData));
            }
        }
        assertThat(seen)
                .as("seed %d", seed)
                .isEqualTo(LongStream.range(0, prepared).boxed().toList());
    }
}
