package dev.ublk4j.embedded.freeze;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class FreezeGateTest {
    private static final Duration FOREVER = Duration.ofDays(1);
    private static final Duration AT_ONCE = Duration.ZERO;

    private final RecordingListener listener = new RecordingListener();
    private final FreezeGate gate = new FreezeGate(2, listener);

    /** {@return a freeze on a thread of its own, once it waits for requests inside} */
    private CompletableFuture<FreezeOutcome> freezeElsewhere() throws InterruptedException {
        return freezeElsewhere(new BitSet());
    }

    private CompletableFuture<FreezeOutcome> freezeElsewhere(BitSet own)
            throws InterruptedException {
        CompletableFuture<FreezeOutcome> outcome = new CompletableFuture<>();
        Thread thread =
                Thread.ofPlatform().start(() -> outcome.complete(gate.freeze(FOREVER, own)));
        while (thread.getState() != Thread.State.TIMED_WAITING && !outcome.isDone()) {
            Thread.sleep(1);
        }
        return outcome;
    }

    @Test
    void letsRequestsInUntilItIsFrozen() {
        assertThat(gate.tryEnter(0)).isTrue();
        gate.exit(0);

        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);

        assertThat(gate.tryEnter(0)).isFalse();
        assertThat(gate.tryEnter(1)).isFalse();
        assertThat(gate.isOpen(1)).isFalse();
        assertThat(gate.inside(0)).isZero();
    }

    @Test
    void letsRequestsInAgainOnceItIsThawed() {
        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);
        assertThat(listener.opened).hasValue(0);

        gate.thaw();

        assertThat(listener.opened).hasValue(1);
        assertThat(gate.isOpen(0)).isTrue();
        assertThat(gate.tryEnter(0)).isTrue();
        gate.exit(0);
    }

    @Test
    void opensWithTheLastOfNestedFreezes() {
        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);
        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);

        gate.thaw();
        assertThat(gate.tryEnter(0)).isFalse();
        assertThat(listener.opened).hasValue(0);

        gate.thaw();
        assertThat(gate.tryEnter(0)).isTrue();
        assertThat(listener.opened).hasValue(1);
        gate.exit(0);
    }

    @Test
    void waitsForThoseInsideAndTurnsAwayNewOnesMeanwhile() throws Exception {
        assertThat(gate.tryEnter(0)).isTrue();
        assertThat(gate.tryEnter(1)).isTrue();
        assertThat(gate.tryEnter(1)).isTrue();
        CompletableFuture<FreezeOutcome> freeze = freezeElsewhere();

        assertThat(gate.tryEnter(0)).isFalse();
        gate.exit(1);
        gate.exit(0);
        assertThat(freeze).isNotDone();
        gate.exit(1);

        assertThat(freeze.get()).isEqualTo(FreezeOutcome.FROZEN);
        gate.thaw();
    }

    @Test
    void freezesForSeveralWhoWaitAtOnce() throws Exception {
        assertThat(gate.tryEnter(0)).isTrue();
        CompletableFuture<FreezeOutcome> first = freezeElsewhere();
        CompletableFuture<FreezeOutcome> second = freezeElsewhere();

        gate.exit(0);

        assertThat(first.get()).isEqualTo(FreezeOutcome.FROZEN);
        assertThat(second.get()).isEqualTo(FreezeOutcome.FROZEN);
        gate.thaw();
        assertThat(gate.isOpen(0)).isFalse();
        gate.thaw();
        assertThat(gate.isOpen(0)).isTrue();
    }

    @Test
    void takesTheFreezeBackWhenTheTimeIsUp() {
        assertThat(gate.tryEnter(1)).isTrue();

        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.TIMED_OUT);
        assertThat(gate.freeze(Duration.ofMillis(2))).isEqualTo(FreezeOutcome.TIMED_OUT);

        assertThat(listener.opened).hasValue(2);
        assertThat(gate.tryEnter(0)).isTrue();
        gate.exit(0);
        gate.exit(1);
        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);
    }

    @Test
    void staysFrozenForOthersWhenOneRunsOutOfTime() throws Exception {
        assertThat(gate.tryEnter(0)).isTrue();
        CompletableFuture<FreezeOutcome> patient = freezeElsewhere();

        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.TIMED_OUT);

        assertThat(gate.isOpen(0)).isFalse();
        assertThat(listener.opened).hasValue(0);
        gate.exit(0);
        assertThat(patient.get()).isEqualTo(FreezeOutcome.FROZEN);
        gate.thaw();
    }

    @Test
    void turnsEveryoneAwayForGoodOnceKilled() {
        gate.kill();
        gate.kill();

        assertThat(gate.isKilled()).isTrue();
        assertThat(listener.killed).hasValue(1);
        assertThat(gate.tryEnter(0)).isFalse();
        assertThat(gate.freeze(FOREVER)).isEqualTo(FreezeOutcome.KILLED);
        assertThat(listener.opened).hasValue(0);
    }

    @Test
    void endsWaitingFreezesWhenKilled() throws Exception {
        assertThat(gate.tryEnter(0)).isTrue();
        CompletableFuture<FreezeOutcome> freeze = freezeElsewhere();

        gate.kill();

        assertThat(freeze.get()).isEqualTo(FreezeOutcome.KILLED);
        assertThat(gate.tryEnter(0)).isFalse();
        assertThat(gate.drain(AT_ONCE)).isFalse();
        gate.exit(0);
        assertThat(gate.drain(FOREVER)).isTrue();
    }

    @Test
    void doesNotOpenWhenThawedAfterTheKill() {
        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);
        gate.kill();

        gate.thaw();

        assertThat(gate.tryEnter(0)).isFalse();
        assertThat(listener.opened).hasValue(0);
    }

    @Test
    void doesNotWaitForAQueueOfTheCallersOwn() {
        assertThat(gate.tryEnter(1)).isTrue();

        assertThat(gate.freeze(FOREVER, own(1))).isEqualTo(FreezeOutcome.DEADLOCK);
        assertThat(gate.isOpen(0)).isTrue();
        assertThat(gate.isOpen(1)).isTrue();

        gate.exit(1);
        assertThat(gate.freeze(FOREVER, own(1))).isEqualTo(FreezeOutcome.FROZEN);
        assertThat(gate.tryEnter(1)).isFalse();
    }

    @Test
    void waitsForTheQueuesOfOthersOnBehalfOfAQueuesThread() throws Exception {
        assertThat(gate.tryEnter(0)).isTrue();
        assertThat(gate.freeze(Duration.ofMillis(2), own(1))).isEqualTo(FreezeOutcome.TIMED_OUT);
        CompletableFuture<FreezeOutcome> freeze = freezeElsewhere(own(1));
        gate.exit(0);

        assertThat(freeze.get()).isEqualTo(FreezeOutcome.FROZEN);
    }

    private static BitSet own(int queue) {
        BitSet own = new BitSet();
        own.set(queue);
        return own;
    }

    @Test
    void keepsTheInterruptOfWhoFreezes() {
        assertThat(gate.tryEnter(0)).isTrue();
        Thread.currentThread().interrupt();

        assertThat(gate.freeze(Duration.ofMillis(2))).isEqualTo(FreezeOutcome.TIMED_OUT);

        assertThat(Thread.interrupted()).isTrue();
        gate.exit(0);
    }

    @Test
    void refusesCallsOutOfOrder() {
        assertThatThrownBy(gate::thaw).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> gate.drain(AT_ONCE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> gate.tryEnter(2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> gate.exit(-1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> gate.exit(0)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> new FreezeGate(0, listener))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void allocatesNothingToEnterAndExit() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        passMany(20_000);
        long before = threads.getCurrentThreadAllocatedBytes();

        passMany(200_000);

        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    }

    private void passMany(int times) {
        int refused = 0;
        for (int i = 0; i < times; i++) {
            if (gate.tryEnter(i & 1)) {
                gate.exit(i & 1);
            } else {
                refused++;
            }
        }
        assertThat(refused).isZero();
    }

    @Test
    void tellsItsState() {
        assertThat(gate.tryEnter(1)).isTrue();
        assertThat(gate).hasToString("FreezeGate[open, queue 0: 0, queue 1: 1 inside]");
        gate.exit(1);
        assertThat(gate.freeze(AT_ONCE)).isEqualTo(FreezeOutcome.FROZEN);
        assertThat(gate.toString()).contains("frozen 1 deep");
        gate.kill();
        assertThat(gate.toString()).contains("killed");
    }
}
