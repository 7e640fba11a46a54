package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The submission ring over plain memory, with the test in the kernel's place. */
class SubmissionQueueTest {
    private static final int HEAD = 0;
    private static final int TAIL = 4;
    private static final int FLAGS = 8;
    private static final int ENTRIES = 4;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment ring = arena.allocate(16, 4);
    private final MemorySegment sqes = arena.allocate((long) ENTRIES * Sqe.BYTES, 8);

    @AfterEach
    void close() {
        arena.close();
    }

    private SubmissionQueue startingAt(int count) {
        ring.set(JAVA_INT, HEAD, count);
        ring.set(JAVA_INT, TAIL, count);
        return new SubmissionQueue(ring, HEAD, TAIL, FLAGS, sqes, Sqe.BYTES);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE - 5, -5})
    void entriesComeInOrderWhileTheCountersWrap(int start) {
        SubmissionQueue queue = startingAt(start);

        for (int i = 0; i < 20; i++) {
            long base = queue.next();
            assertThat(queue.slot(base)).isEqualTo((start + i) & (ENTRIES - 1));
            assertThat(queue.pending()).isEqualTo(1);
            assertThat(queue.free()).isEqualTo(ENTRIES - 1);
            assertThat(queue.publish()).isEqualTo(1);
            assertThat(ring.get(JAVA_INT, TAIL)).isEqualTo(start + i + 1);

            ring.set(JAVA_INT, HEAD, start + i + 1);
            queue.refresh();
            assertThat(queue.pending()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE - 1, -2})
    void aFullQueueGivesNoEntryUntilTheKernelHasTakenOne(int start) {
        SubmissionQueue queue = startingAt(start);
        for (int i = 0; i < ENTRIES; i++) {
            assertThat(queue.next()).isNotNegative();
        }

        assertThat(queue.next()).isEqualTo(-1);
        assertThat(queue.free()).isZero();
        ring.set(JAVA_INT, HEAD, start + 1);
        queue.refresh();
        assertThat(queue.free()).isEqualTo(1);
        assertThat(queue.slot(queue.next())).isEqualTo(start & (ENTRIES - 1));
        assertThat(queue.next()).isEqualTo(-1);
    }

    @Test
    void theKernelSeesNoEntryBeforeItIsPublished() {
        SubmissionQueue queue = startingAt(7);
        long base = queue.next();

        assertThat(base).isNotNegative();
        assertThat(ring.get(JAVA_INT, TAIL)).isEqualTo(7);
        assertThat(queue.publish()).isEqualTo(1);
        assertThat(ring.get(JAVA_INT, TAIL)).isEqualTo(8);
    }

    @Test
    void theFlagsOfTheKernelAreRead() {
        SubmissionQueue queue = startingAt(0);
        assertThat(queue.overflown()).isFalse();
        assertThat(queue.needsEnter()).isFalse();

        ring.set(JAVA_INT, FLAGS, IoUring.IORING_SQ_TASKRUN);
        assertThat(queue.overflown()).isFalse();
        assertThat(queue.needsEnter()).isTrue();

        ring.set(JAVA_INT, FLAGS, IoUring.IORING_SQ_CQ_OVERFLOW);
        assertThat(queue.overflown()).isTrue();
        assertThat(queue.needsEnter()).isTrue();
    }

    @Test
    void pendingEntriesAreListedByOperation() {
        SubmissionQueue queue = startingAt(-1);
        assertThat(queue).hasToString("SubmissionQueue(0 of 4)");

        Sqe.fill(sqes, queue.next(), Opcode.READ.code(), 5, 0, 0, 0, 0, 0x10);
        Sqe.fill(sqes, queue.next(), 200, -1, 0, 0, 0, 0, 1);

        assertThat(queue)
                .hasToString(
                        "SubmissionQueue(2 of 4: READ fd=5 userData=0x10,"
                                + " op 200 fd=-1 userData=0x1)");
    }

    @Test
    void fillingAnEntryLeavesNothingOfTheOneBefore() {
        sqes.fill((byte) 0xff);

        Sqe.fill(sqes, Sqe.BYTES, 1, 2, 3, 4, 5, 6, 7);

        assertThat(Sqe.flags(sqes, Sqe.BYTES)).isZero();
        assertThat(
                        sqes.asSlice(Sqe.BYTES + Sqe.BUF_INDEX, Sqe.BYTES - Sqe.BUF_INDEX)
                                .toArray(JAVA_INT))
                .containsOnly(0);
        assertThat(sqes.get(JAVA_INT, Sqe.BYTES - 4)).isEqualTo(-1);
        assertThat(sqes.get(JAVA_INT, 2 * Sqe.BYTES)).isEqualTo(-1);
    }
}
