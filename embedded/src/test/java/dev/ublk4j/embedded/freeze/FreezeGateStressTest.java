package dev.ublk4j.embedded.freeze;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Submitters, queue threads and freezers at the same time.
 *
 * <p>The race: a request enters while a freezer concludes that nobody is inside. What the freezers
 * change are two plain fields, equal whenever nobody freezes; whoever is inside and finds them
 * different has got into a frozen gate, or does not see what was done in it.
 */
class FreezeGateStressTest {
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);
    private static final int QUEUES = 2;
    private static final int FREEZES = 3000;

    private final Queue<Integer> turnedAway = new ConcurrentLinkedQueue<>();
    private final AtomicInteger insideNow = new AtomicInteger();
    private final AtomicInteger passed = new AtomicInteger();
    private final FreezeGate gate =
            new FreezeGate(
                    QUEUES,
                    new GateListener() {
                        @Override
                        public void onOpened() {
                            retry();
                        }

                        @Override
                        public void onKilled() {}
                    });

    // Plain on purpose: the gate alone orders the accesses.
    private int left;
    private int right;

    /** Lets a request in, or keeps it in the list as the gate's documentation tells. */
    private void submit(int queue) {
        if (gate.tryEnter(queue)) {
            pass(queue);
        } else {
            turnedAway.add(queue);
            if (gate.isOpen(queue)) {
                retry();
            }
        }
    }

    private void retry() {
        // Each takes at most what is there now: one that is turned away again goes to the end.
        for (int count = turnedAway.size(); count > 0; count--) {
            Integer queue = turnedAway.poll();
            if (queue == null) {
                return;
            }
            submit(queue);
        }
    }

    private void pass(int queue) {
        insideNow.incrementAndGet();
        assertThat(left).isEqualTo(right);
        Thread.onSpinWait();
        assertThat(left).isEqualTo(right);
        insideNow.decrementAndGet();
        passed.incrementAndGet();
        gate.exit(queue);
    }

    /** As {@link #freezeOften}, but each time with requests inside queue 0 just before. */
    private void freezeOftenWhenBusy(int times) {
        for (int i = 0; i < times; i++) {
            while (gate.inside(0) == 0) {
                giveWay();
            }
            freezeOften(1);
        }
    }

    private void freezeOften(int times) {
        for (int i = 0; i < times; i++) {
            assertThat(gate.freeze(FOREVER)).isEqualTo(FreezeOutcome.FROZEN);
            synchronized (this) { // against the other freezers, which may be frozen as well
                assertThat(insideNow.get()).isZero();
                left++;
                assertThat(insideNow.get()).isZero();
                right++;
            }
            gate.thaw();
            if (i % 16 == 0) {
                giveWay();
            }
        }
    }

    @SuppressWarnings("ThreadPriorityCheck") // shortens the test; nothing depends on it
    private static void giveWay() {
        Thread.yield();
    }

    /** Runs everything at once and fails with the first failure. */
    private static void together(List<Runnable> tasks) throws InterruptedException {
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> running = new ArrayList<>();
            tasks.forEach(task -> running.add(threads.submit(task)));
            for (Future<?> each : running) {
                each.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    @Test
    @DisplayName("nobody is inside while the gate is frozen, and no request is lost")
    void nobodyIsInsideWhileFrozen() throws InterruptedException {
        AtomicInteger freezers = new AtomicInteger(2);
        AtomicInteger submitted = new AtomicInteger();
        List<Runnable> tasks = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int queue = i % QUEUES;
            tasks.add(() -> {
                for (int n = 0; n < 20_000 || freezers.get() > 0; n++) {
                    submitted.incrementAndGet();
                    submit(queue);
                    if (turnedAway.size() > 100) {
                        giveWay();
                    }
                }
            });
        }
        for (int i = 0; i < 2; i++) {
            tasks.add(() -> {
                try {
                    freezeOften(FREEZES);
                } finally {
                    freezers.decrementAndGet();
                }
            });
        }

        together(tasks);

        assertThat(turnedAway).isEmpty();
        assertThat(passed).hasValue(submitted.get());
        assertThat(left).isEqualTo(2 * FREEZES);
        assertThat(gate.inside(0) + gate.inside(1)).isZero();
    }

    @Test
    @DisplayName(
            "a freeze ends while one thread both submits and completes, with requests in flight")
    void oneThreadSubmitsAndCompletes() throws InterruptedException {
        AtomicInteger freezers = new AtomicInteger(1);
        Runnable queueThread =
                () -> {
                    int inFlight = 0;
                    int turn = 0;
                    while (freezers.get() > 0) {
                        // Keeps up to 8 inside, and completes one at a time when it gets no more
                        // in.
                        if (inFlight < 8 && gate.tryEnter(0)) {
                            insideNow.incrementAndGet();
                            inFlight++;
                        } else if (inFlight > 0) {
                            assertThat(left).isEqualTo(right);
                            insideNow.decrementAndGet();
                            gate.exit(0);
                            inFlight--;
                        } else if (turn++ % 8 == 0) {
                            giveWay();
                        }
                    }
                    for (; inFlight > 0; inFlight--) {
                        gate.exit(0);
                    }
                };
        Runnable freezer =
                () -> {
                    try {
                        freezeOftenWhenBusy(FREEZES);
                    } finally {
                        freezers.decrementAndGet();
                    }
                };

        together(List.of(queueThread, freezer));

        assertThat(left).isEqualTo(FREEZES);
        assertThat(gate.inside(0)).isZero();
    }

    @Test
    @DisplayName("requests that exit on another thread than they entered are waited for")
    void requestsChangeThreads() throws InterruptedException {
        AtomicInteger freezers = new AtomicInteger(1);
        Queue<Integer> inFlight = new ConcurrentLinkedQueue<>();
        AtomicInteger submitters = new AtomicInteger(2);
        List<Runnable> tasks = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int queue = i;
            tasks.add(() -> {
                while (freezers.get() > 0) {
                    if (inFlight.size() < 64 && gate.tryEnter(queue)) {
                        insideNow.incrementAndGet();
                        inFlight.add(queue);
                    } else {
                        giveWay();
                    }
                }
                submitters.decrementAndGet();
            });
        }
        tasks.add(() -> {
            while (submitters.get() > 0 || !inFlight.isEmpty()) {
                Integer queue = inFlight.poll();
                if (queue == null) {
                    giveWay();
                } else {
                    assertThat(left).isEqualTo(right);
                    insideNow.decrementAndGet();
                    gate.exit(queue);
                }
            }
        });
        tasks.add(() -> {
            try {
                freezeOftenWhenBusy(FREEZES);
            } finally {
                freezers.decrementAndGet();
            }
        });

        together(tasks);

        assertThat(left).isEqualTo(FREEZES);
        assertThat(gate.inside(0) + gate.inside(1)).isZero();
    }

    @Test
    @DisplayName("a kill amid freezes and requests leaves nobody waiting")
    void killEndsEverything() throws InterruptedException {
        for (int round = 0; round < 200; round++) {
            RecordingListener listener = new RecordingListener();
            FreezeGate mortal = new FreezeGate(QUEUES, listener);
            Runnable submitter =
                    () -> {
                        while (!mortal.isKilled()) {
                            if (mortal.tryEnter(1)) {
                                mortal.exit(1);
                            }
                        }
                    };
            Runnable freezer =
                    () -> {
                        while (mortal.freeze(FOREVER) == FreezeOutcome.FROZEN) {
                            mortal.thaw();
                        }
                    };

            together(List.of(submitter, freezer, freezer, mortal::kill));

            assertThat(listener.killed).hasValue(1);
            assertThat(mortal.drain(Duration.ZERO)).isTrue();
            assertThat(mortal.tryEnter(1)).isFalse();
        }
    }
}
