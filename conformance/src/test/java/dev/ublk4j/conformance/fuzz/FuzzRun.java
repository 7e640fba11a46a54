package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.trials.Ops;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * How long a fuzz runs and with which sequences.
 *
 * <p>Without more, a build's number: always the same sequences. {@code UBLK4J_FUZZ_SEQUENCES} in
 * the environment sets another one. {@code UBLK4J_FUZZ_MINUTES} makes it run as long as one likes,
 * on other sequences every time, unless {@code UBLK4J_FUZZ_SEED} says where to begin. {@code
 * conformance/fuzz} sets both.
 */
final class FuzzRun {
    private static final int LENGTH = 60;
    private static final long MINUTES = fromEnvironment("UBLK4J_FUZZ_MINUTES", 0);
    private static final long SEED =
            fromEnvironment("UBLK4J_FUZZ_SEED", MINUTES == 0 ? 1 : System.currentTimeMillis());

    private FuzzRun() {}

    private static long fromEnvironment(String name, long otherwise) {
        String value = System.getenv(name);
        return value == null ? otherwise : Long.parseLong(value);
    }

    /**
     * Hands random sequences to {@code run}, and prints how many there were.
     *
     * @param sequences of a build
     * @param share of the minutes: one part of so many
     * @param any makes up a step
     */
    static void run(
            String what,
            int sequences,
            int share,
            Function<Random, Step> any,
            Consumer<List<Step>> one) {
        int count = (int) fromEnvironment("UBLK4J_FUZZ_SEQUENCES", sequences);
        long begun = System.nanoTime();
        AtomicBoolean failed = new AtomicBoolean();
        Consumer<List<Step>> run =
                steps -> {
                    try {
                        one.accept(steps);
                    } catch (RuntimeException | AssertionError e) {
                        // Told at once: finding the shortest sequence takes its time.
                        if (!failed.getAndSet(true)) {
                            System.out.println(
                                    "fuzz of %s has failed: %s".formatted(what, e.getMessage()));
                        }
                        throw e;
                    }
                };
        Ops.Tally tally =
                MINUTES == 0
                        ? Ops.check(SEED, count, LENGTH, any, run)
                        : Ops.checkFor(
                                SEED,
                                Duration.ofMinutes(MINUTES).dividedBy(share),
                                LENGTH,
                                any,
                                run);
        System.out.printf(
                "fuzz of %s: %d sequences, %d operations, from seed %d, in %d s%n",
                what,
                tally.sequences(),
                tally.operations(),
                SEED,
                (System.nanoTime() - begun) / 1_000_000_000);
    }
}
