package dev.ublk4j.embedded.freeze;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Requests, freezes and kills in systematically chosen interleavings.
 *
 * <p>Each operation answers the same in every sequential order, so an interleaving fails when an
 * answer differs or a validation throws. Lincheck lets a parked thread go on without being
 * unparked: that the last exit wakes the freezer is for {@link FreezeGateStressTest} to show.
 */
class FreezeGateLincheckTest {
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    private static void check(Class<?> operations) {
        new ModelCheckingOptions()
                .iterations(8)
                .invocationsPerIteration(400)
                .threads(2)
                .actorsPerThread(1)
                .actorsBefore(0)
                .actorsAfter(0)
                .addGuarantee(
                        forClasses(ConcurrentLinkedQueue.class.getName())
                                .allMethods()
                                .treatAsAtomic())
                .check(operations);
    }

    @Test
    @DisplayName("nobody is inside a frozen gate")
    void requestsAgainstFreezes() {
        check(Inside.class);
    }

    @Test
    @DisplayName("who is turned away is let in by whoever opens the gate, or finds it open")
    void turnedAwayAgainstThaws() {
        check(TurnedAway.class);
    }

    @Test
    @DisplayName("a kill ends freezes, and nobody enters afterwards")
    void killsAgainstFreezes() {
        check(Killed.class);
    }

    /** Requests look at a flag that is set only while the gate is frozen. */
    public static class Inside {
        private final FreezeGate gate = new FreezeGate(1, new RecordingListener());
        private volatile boolean changing;

        @Operation
        public boolean request() {
            if (!gate.tryEnter(0)) {
                return true;
            }
            boolean outsideFreeze = !changing;
            gate.exit(0);
            return outsideFreeze;
        }

        @Operation(nonParallelGroup = "freezer")
        public FreezeOutcome freeze() {
            FreezeOutcome outcome = gate.freeze(FOREVER);
            changing = true;
            changing = false;
            gate.thaw();
            return outcome;
        }

        @Validate
        public void nobodyIsLeftInside() {
            if (gate.inside(0) != 0 || !gate.isOpen(0)) {
                throw new IllegalStateException(gate.toString());
            }
        }
    }

    /** Requests that are turned away wait in a list, as the gate's documentation tells. */
    public static class TurnedAway implements GateListener {
        private final FreezeGate gate = new FreezeGate(1, this);
        private final ConcurrentLinkedQueue<Integer> waiting = new ConcurrentLinkedQueue<>();

        @Operation
        public void submit() {
            if (!pass()) {
                keep();
            }
        }

        private boolean pass() {
            if (!gate.tryEnter(0)) {
                return false;
            }
            gate.exit(0);
            return true;
        }

        private void keep() {
            waiting.add(0);
            if (gate.isOpen(0)) {
                onOpened();
            }
        }

        @Operation
        public FreezeOutcome freeze() {
            FreezeOutcome outcome = gate.freeze(FOREVER);
            gate.thaw();
            return outcome;
        }

        @Override
        public void onOpened() {
            while (waiting.poll() != null) {
                if (!pass()) {
                    keep();
                    return;
                }
            }
        }

        @Override
        public void onKilled() {}

        @Validate
        public void nobodyIsLeftWaiting() {
            if (!waiting.isEmpty()) {
                throw new IllegalStateException(waiting.size() + " left outside " + gate);
            }
        }
    }

    /** Requests that stay inside until they find the gate killed. */
    public static class Killed {
        private final FreezeGate gate = new FreezeGate(1, new RecordingListener());

        @Operation(runOnce = true)
        public boolean kill() {
            gate.kill();
            return gate.tryEnter(0);
        }

        @Operation(runOnce = true)
        public void freezeWithARequestInside() {
            boolean entered = gate.tryEnter(0);
            if (gate.freeze(entered ? Duration.ZERO : FOREVER) == FreezeOutcome.FROZEN) {
                gate.thaw();
            }
            if (entered) {
                gate.exit(0);
            }
        }

        @Validate
        public void nobodyIsLeftInside() {
            if (gate.inside(0) != 0) {
                throw new IllegalStateException(gate.toString());
            }
        }
    }
}
