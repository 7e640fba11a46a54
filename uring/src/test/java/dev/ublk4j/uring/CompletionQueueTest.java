package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The completion ring over plain memory, with the test in the kernel's place. */
class CompletionQueueTest {
    private static final int HEAD = 0;
    private static final int TAIL = 4;
    private static final int CQES = 16;
    private static final int ENTRIES = 4;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment ring = arena.allocate(CQES + (long) ENTRIES * Cqe.BYTES, 8);
    private final List<Long> seen = new ArrayList<>();

    @AfterEach
    void close() {
        arena.close();
    }

    private CompletionQueue startingAt(int count) {
        ring.set(JAVA_INT, HEAD, count);
        ring.set(JAVA_INT, TAIL, count);
        return new CompletionQueue(ring, HEAD, TAIL, CQES, ENTRIES);
    }

    private void complete(long userData, int result, int flags) {
        int tail = ring.get(JAVA_INT, TAIL);
        assertThat(tail - ring.get(JAVA_INT, HEAD)).as("room").isLessThan(ENTRIES);
        long base = CQES + (long) (tail & (ENTRIES - 1)) * Cqe.BYTES;
        ring.set(JAVA_LONG, base + Cqe.USER_DATA, userData);
        ring.set(JAVA_INT, base + Cqe.RES, result);
        ring.set(JAVA_INT, base + Cqe.FLAGS, flags);
        ring.set(JAVA_INT, TAIL, tail + 1);
    }

    private void record(long userData, int result, int flags) {
        assertThat(result).isEqualTo((int) -userData);
        assertThat(flags).isEqualTo((int) userData + 1);
        seen.add(userData);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE - 5, -5})
    void completionsComeInOrderWhileTheCountersWrap(int start) {
        CompletionQueue queue = startingAt(start);

        for (int i = 0; i < 10; i++) {
            for (long n = 0; n < 3; n++) {
                complete(n, (int) -n, (int) n + 1);
            }
            assertThat(queue.ready()).isEqualTo(3);
            assertThat(queue.drain(this::record)).isEqualTo(3);
            assertThat(queue.ready()).isZero();
            assertThat(ring.get(JAVA_INT, HEAD)).isEqualTo(start + 3 * (i + 1));
            assertThat(seen).containsExactly(0L, 1L, 2L);
            seen.clear();
        }
    }

    @Test
    void aHandlerThatThrowsLosesNothingAndRepeatsNothing() {
        CompletionQueue queue = startingAt(Integer.MAX_VALUE);
        for (long n = 0; n < 3; n++) {
            complete(n, (int) -n, (int) n + 1);
        }

        assertThatThrownBy(() ->
                        queue.drain((userData, result, flags) -> {
                            record(userData, result, flags);
                            if (userData == 1) {
                                throw new IllegalArgumentException("planted");
                            }
                        }))
                .hasMessage("planted");
        assertThat(ring.get(JAVA_INT, HEAD)).isEqualTo(Integer.MAX_VALUE + 2);
        assertThat(queue.drain(this::record)).isEqualTo(1);
        assertThat(seen).containsExactly(0L, 1L, 2L);
    }

    @Test
    void aHandlerMayDrain() {
        CompletionQueue queue = startingAt(-2);
        for (long n = 0; n < 3; n++) {
            complete(n, (int) -n, (int) n + 1);
        }

        int count =
                queue.drain((userData, result, flags) -> {
                    record(userData, result, flags);
                    complete(3, -3, 4);
                    assertThat(queue.drain(this::record)).isEqualTo(3);
                });

        assertThat(count).isEqualTo(1);
        assertThat(seen).containsExactly(0L, 1L, 2L, 3L);
        assertThat(ring.get(JAVA_INT, HEAD)).isEqualTo(2);
    }

    @Test
    void waitingCompletionsAreListed() {
        CompletionQueue queue = startingAt(-1);
        assertThat(queue).hasToString("CompletionQueue(0 of 4)");

        complete(0x20, -5, 0);
        complete(1, 7, 2);

        assertThat(queue)
                .hasToString(
                        "CompletionQueue(2 of 4: userData=0x20 result=-5 flags=0x0,"
                                + " userData=0x1 result=7 flags=0x2)");
    }
}
