package dev.ublk4j.testkit;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import dev.ublk4j.trials.Ops;
import java.util.List;
import java.util.function.Supplier;

/**
 * Puts random requests to targets and compares every answer with a model of a disk: reads, writes,
 * flushes, discards and writes of zeroes, whole or in pieces, in shared memory or not, several at a
 * time.
 *
 * {@snippet :
 * Exerciser.of(() -> new RamDisk(1 << 20)).run();
 * }
 *
 * <p>On a failure it looks for the shortest sequence of steps that still fails, and throws it
 * together with the seed. Requests that touch the same bytes are never in flight together, so that
 * each has one right answer; a discarded range may read as anything. Of a large disk the first 8
 * MiB are exercised: a small one, whose end is reached, tests more.
 */
public final class Exerciser {
    private static final int SMALL_IO = 64 * 1024;

    private final Supplier<? extends Target> targets;
    private final DeviceOptions options;
    private final long seed;
    private final int rounds;
    private final int steps;
    private final boolean keepsData;
    private final boolean restarts;
    private final boolean errors;
    private final boolean delays;

    private Exerciser(
            Supplier<? extends Target> targets,
            DeviceOptions options,
            long seed,
            int rounds,
            int steps,
            boolean keepsData,
            boolean restarts,
            boolean errors,
            boolean delays) {
        this.targets = targets;
        this.options = options;
        this.seed = seed;
        this.rounds = rounds;
        this.steps = steps;
        this.keepsData = keepsData;
        this.restarts = restarts;
        this.errors = errors;
        this.delays = delays;
    }

    /**
     * {@return an exerciser that runs 10 sequences of up to 200 steps, each on a target of its own}
     *
     * @param targets makes a target each time; what is on it in the beginning may be anything
     */
    public static Exerciser of(Supplier<? extends Target> targets) {
        DeviceOptions options = TestBed.options().withDepth(8).withMaxIo(SMALL_IO);
        return new Exerciser(targets, options, 1, 10, 200, true, false, false, false);
    }

    /** {@return the same with devices of other options} */
    public Exerciser withOptions(DeviceOptions newOptions) {
        return new Exerciser(
                targets, newOptions, seed, rounds, steps, keepsData, restarts, errors, delays);
    }

    /** {@return the same with sequences of another seed, the one a failure has printed} */
    public Exerciser withSeed(long newSeed) {
        return new Exerciser(
                targets, options, newSeed, rounds, steps, keepsData, restarts, errors, delays);
    }

    /** {@return the same with another number of sequences} */
    public Exerciser withRounds(int newRounds) {
        return new Exerciser(
                targets, options, seed, newRounds, steps, keepsData, restarts, errors, delays);
    }

    /** {@return the same with sequences of up to another length} */
    public Exerciser withSteps(int newSteps) {
        return new Exerciser(
                targets, options, seed, rounds, newSteps, keepsData, restarts, errors, delays);
    }

    /** {@return the same for targets that forget what is written: only results are looked at} */
    public Exerciser withoutData() {
        return new Exerciser(
                targets, options, seed, rounds, steps, false, restarts, errors, delays);
    }

    /**
     * {@return the same with restarts: now and then the device is stopped and the next target of
     * the supplier must have everything that was written to the one before}
     */
    public Exerciser withRestarts() {
        return new Exerciser(
                targets, options, seed, rounds, steps, keepsData, true, errors, delays);
    }

    /**
     * {@return the same with I/O on the queue's ring that comes back short, and in another order
     * than it was begun} A target must not let its clients notice.
     */
    public Exerciser withShortAndShuffledIo() {
        return new Exerciser(
                targets, options, seed, rounds, steps, keepsData, restarts, errors, true);
    }

    /**
     * {@return the same with I/O on the queue's ring that fails with {@code EIO}} A request may
     * fail for each, and no other, apart from flushes and durable writes, which may go on to fail
     * once one has: what such a write leaves behind may be anything, and all other data must be
     * right.
     */
    public Exerciser withFailingIo() {
        return new Exerciser(
                targets, options, seed, rounds, steps, keepsData, restarts, true, delays);
    }

    /**
     * Runs the sequences.
     *
     * @throws AssertionError with the seed and the shortest sequence that fails, caused by what was
     *     wrong
     */
    public void run() {
        DiskOp.Source source = new DiskOp.Source(geometry(), restarts, errors, delays);
        boolean[] hangs = {false};
        Ops.check(seed, rounds, steps, source::next, sequence -> run(source, sequence, hangs));
    }

    private Geometry geometry() {
        try (Target target = targets.get()) {
            return target.geometry();
        }
    }

    /** What has no answer in time is not made shorter: each attempt would take that time again. */
    private void run(DiskOp.Source source, List<DiskOp> sequence, boolean[] hangs) {
        if (hangs[0]) {
            return;
        }
        try (Exercise exercise = new Exercise(targets, options, source, keepsData)) {
            exercise.run(sequence);
        } catch (NoAnswerError e) {
            hangs[0] = true;
            throw e;
        }
    }
}
