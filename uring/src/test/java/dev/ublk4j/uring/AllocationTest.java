package dev.ublk4j.uring;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.linux.Errno;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Preparing, submitting, waiting and draining allocate nothing once they are compiled. */
class AllocationTest {
    private static final int BATCH = 64;
    private static final int OPERATIONS = 1_000_000;
    private static final int ROUNDS = 10;
    private static final long WAIT_NANOS = 240_000_000_000L;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private long completed;

    private void complete(long userData, int result, int flags) {
        completed += userData + result;
    }

    private void run(Ring ring, CompletionHandler handler, int operations) {
        for (int done = 0; done < operations; done += BATCH) {
            for (int i = 0; i < BATCH - 1; i++) {
                ring.nop(1);
            }
            ring.uringCommand(-1, 0, 1L + Errno.EBADF.number());
            if ((done & BATCH) == 0) {
                ring.submitAndWait(BATCH);
            } else {
                ring.submitAndWait(BATCH, WAIT_NANOS);
            }
            ring.drain(handler);
        }
    }

    @ParameterizedTest
    @EnumSource(RingKind.class)
    void aMillionOperationsAllocateNothing(RingKind kind) {
        try (Ring ring = Ring.open(kind.options())) {
            CompletionHandler handler = this::complete;
            long bytes = Long.MAX_VALUE;
            // The rounds before everything is compiled do allocate; a leak allocates in each.
            for (int round = 0; round < ROUNDS && bytes >= OPERATIONS / BATCH; round++) {
                completed = 0;
                long before = threads.getCurrentThreadAllocatedBytes();
                run(ring, handler, OPERATIONS);
                bytes = threads.getCurrentThreadAllocatedBytes() - before;
                assertThat(completed).isEqualTo(OPERATIONS);
            }
            // Less than one byte a batch: what a deoptimization costs once, and no object.
            assertThat(bytes).isLessThan(OPERATIONS / BATCH);
        }
    }
}
