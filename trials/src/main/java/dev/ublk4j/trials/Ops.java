package dev.ublk4j.trials;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Runs random sequences of operations, and on a failure finds the shortest one that still fails.
 *
 * <p>An operation must not depend on those before it in the sequence, so that any of them may be
 * left out: one that no longer makes sense does nothing, or fails in the same way on the structure
 * and on its model. The system property {@code ublk4j.model.factor} multiplies the rounds, for long
 * runs.
 */
public final class Ops {
    private static final int FACTOR = Integer.getInteger("ublk4j.model.factor", 1);

    private Ops() {}

    /**
     * How much was tried.
     *
     * @param sequences that were run to their end
     * @param operations of all of them
     */
    public record Tally(long sequences, long operations) {
        private static final Tally NONE = new Tally(0, 0);

        private Tally plus(int length) {
            return new Tally(sequences + 1, operations + length);
        }
    }

    /**
     * Hands {@code rounds} sequences of up to {@code length} operations to {@code run}.
     *
     * @param seed of the first round; each later one has the next
     * @param random makes one operation
     * @param run applies a sequence to a fresh structure, and throws if something is wrong
     * @throws AssertionError with the seed and the shortest sequence that fails, caused by its
     *     failure
     */
    public static <T> Tally check(
            long seed, int rounds, int length, Function<Random, T> random, Consumer<List<T>> run) {
        Tally tally = Tally.NONE;
        for (long round = seed; round < seed + (long) rounds * FACTOR; round++) {
            tally = tally.plus(round(round, length, random, run));
        }
        return tally;
    }

    /**
     * As {@link #check}, with as many sequences as there is time to begin; at least one.
     *
     * @param time how long to begin new ones
     */
    public static <T> Tally checkFor(
            long seed,
            Duration time,
            int length,
            Function<Random, T> random,
            Consumer<List<T>> run) {
        long end = System.nanoTime() + time.toNanos();
        Tally tally = Tally.NONE;
        long round = seed;
        do {
            tally = tally.plus(round(round++, length, random, run));
        } while (System.nanoTime() - end < 0);
        return tally;
    }

    private static <T> int round(
            long seed, int length, Function<Random, T> random, Consumer<List<T>> run) {
        Random source = new Random(seed);
        List<T> ops = new ArrayList<>();
        int count = 1 + source.nextInt(length);
        for (int i = 0; i < count; i++) {
            ops.add(random.apply(source));
        }
        Throwable failure = failure(ops, run);
        if (failure != null) {
            List<T> shortest = shortest(ops, run);
            Throwable cause = failure(shortest, run);
            throw new AssertionError(
                    "seed=%d ops=%s".formatted(seed, shortest), cause == null ? failure : cause);
        }
        return count;
    }

    /** Leaves out ever smaller parts for as long as what remains fails. */
    private static <T> List<T> shortest(List<T> failing, Consumer<List<T>> run) {
        List<T> ops = failing;
        int part = Math.max(1, ops.size() / 2);
        while (true) {
            boolean shrunk = false;
            for (int from = ops.size() - part; from > -part; from -= part) {
                int start = Math.max(0, from);
                List<T> fewer = new ArrayList<>(ops.subList(0, start));
                fewer.addAll(ops.subList(Math.min(ops.size(), from + part), ops.size()));
                if (failure(fewer, run) != null) {
                    ops = fewer;
                    shrunk = true;
                }
            }
            if (part > 1) {
                part /= 2;
            } else if (!shrunk) {
                return ops;
            }
        }
    }

    private static <T> @Nullable Throwable failure(List<T> ops, Consumer<List<T>> run) {
        try {
            run.accept(List.copyOf(ops));
            return null;
        } catch (RuntimeException | AssertionError e) {
            return e;
        }
    }
}
