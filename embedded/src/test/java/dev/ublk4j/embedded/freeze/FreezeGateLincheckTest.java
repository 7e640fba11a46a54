package dev.ublk4j.embedded.freeze;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jetbrains.lincheck.Lincheck;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Small programs around a gate, run in many interleavings of their threads by Lincheck. */
class FreezeGateLincheckTest {
    private static final Duration FOREVER = Duration.ofDays(1);
    private static final int INTERLEAVINGS = 300;

    private static Thread start(Runnable task) {
        Thread thread = new Thread(task);
        thread.start();
        return thread;
    }

    private static void join(Thread... threads) {
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    /** The two plain fields that only a freezer changes. */
    private static final class Table {
        int left;
        int right;

        void change() {
            left++;
            right++;
        }

        void look() {
            int seen = left;
            check(seen == right, "a request is inside a frozen gate");
        }
    }

    @Test
    @DisplayName("a request that enters and a freeze exclude each other, and the last exit wakes")
    void enterAgainstFreeze() {
        Lincheck.runConcurrentTest(
                INTERLEAVINGS,
                () -> {
                    FreezeGate gate = new FreezeGate(1, new RecordingListener());
                    Table table = new Table();
                    Runnable request =
                            () -> {
                                if (gate.tryEnter(0)) {
                                    table.look();
                                    gate.exit(0);
                                }
                            };
                    Thread first = start(request);
                    Thread second = start(request);
                    check(gate.freeze(FOREVER) == FreezeOutcome.FROZEN, "not frozen");
                    table.change();
                    gate.thaw();
                    join(first, second);
                    check(gate.inside(0) == 0, "somebody is left inside");
                });
    }

    @Test
    @DisplayName("a request that is turned away is let in by whoever opens the gate, or by itself")
    void turnedAwayAgainstThaw() {
        Lincheck.runConcurrentTest(
                INTERLEAVINGS,
                () -> {
                    Submitter submitter = new Submitter();
                    FreezeGate gate = new FreezeGate(1, submitter);
                    submitter.gate = gate;
                    Thread freezer =
                            start(() -> {
                                gate.freeze(FOREVER);
                                gate.thaw();
                            });
                    submitter.submit();
                    join(freezer);
                    check(submitter.done == 1, "the request is lost, or done twice");
                });
    }

    @Test
    @DisplayName("a kill wakes a freeze, whatever the request inside does")
    void killAgainstFreeze() {
        Lincheck.runConcurrentTest(
                INTERLEAVINGS,
                () -> {
                    FreezeGate gate = new FreezeGate(1, new RecordingListener());
                    check(gate.tryEnter(0), "turned away");
                    Thread freezer = start(() -> gate.freeze(FOREVER));
                    gate.kill();
                    join(freezer);
                    check(!gate.tryEnter(0), "let into a killed gate");
                    gate.exit(0);
                    check(gate.drain(FOREVER), "not empty");
                });
    }

    /** One request, kept in a list while it is turned away. */
    private static final class Submitter implements GateListener {
        private final Deque<Integer> waiting = new ArrayDeque<>();
        private FreezeGate gate = new FreezeGate(1, this);
        private int done;

        void submit() {
            if (pass()) {
                return;
            }
            synchronized (waiting) {
                waiting.add(0);
            }
            if (gate.isOpen(0)) {
                retry();
            }
        }

        private boolean pass() {
            if (!gate.tryEnter(0)) {
                return false;
            }
            done++;
            gate.exit(0);
            return true;
        }

        private void retry() {
            Integer queue;
            synchronized (waiting) {
                queue = waiting.poll();
            }
            if (queue != null && !pass()) {
                throw new IllegalStateException("frozen again, though nobody freezes again");
            }
        }

        @Override
        public void onOpened() {
            retry();
        }

        @Override
        public void onKilled() {}
    }
}
