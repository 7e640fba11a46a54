package dev.ublk4j.bench;

import dev.ublk4j.embedded.range.RangeTable;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Entering and removing buffers: 1 GiB of 4 KiB pages into a table that has room, and a small one
 * among a million ranges. Memory is neither mapped nor pinned.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RegistrationBenchmark {
    private static final int GIB_PAGES = 1 << 18;
    private static final int RANGES = 1_000_000;
    private static final int SMALL_PAGES = 16;

    private final RangeTable empty = new RangeTable();
    private long[] gib = {};

    /** Makes the frames of 1 GiB. */
    @Setup
    public void scatter() {
        gib = ScatteredFrames.of(GIB_PAGES, 1);
    }

    /** Both directions for 1 GiB. */
    @Benchmark
    public int registerAndUnregisterOneGib() {
        return empty.unregister(empty.register(gib, 0));
    }

    /** A table with a million ranges, and the frames of a small buffer that it has not. */
    @State(Scope.Thread)
    public static class Million {
        final RangeTable table = new RangeTable();
        long[] small = {};

        /** Fills it. */
        @Setup
        public void fill() {
            long[] frames = ScatteredFrames.of(RANGES + SMALL_PAGES, 2);
            small = Arrays.copyOf(frames, SMALL_PAGES);
            for (int from = SMALL_PAGES; from < frames.length; from += GIB_PAGES) {
                int to = Math.min(frames.length, from + GIB_PAGES);
                table.register(Arrays.copyOfRange(frames, from, to), 0);
            }
        }
    }

    /** Both directions for 64 KiB among a million ranges. */
    @Benchmark
    public int registerAndUnregisterSmallAmongAMillion(Million million) {
        return million.table.unregister(million.table.register(million.small, 0));
    }

    /**
     * A small buffer that is there, to be removed. It has a table of its own: a benchmark and the
     * states that it is given do not always get the same instance of another state.
     */
    @State(Scope.Thread)
    public static class Registered extends Million {
        private int index;

        /** Registers it. */
        @Setup(Level.Invocation)
        public void register() {
            index = table.register(small, 0);
            if (index < 0) {
                throw new IllegalStateException("not registered: " + index);
            }
        }

        /** Checks that it is gone. */
        @TearDown(Level.Invocation)
        public void check() {
            int again = table.unregister(index);
            if (again != RangeTable.NO_ENTRY) {
                throw new IllegalStateException("still registered: " + again);
            }
        }
    }

    /** Removal alone, of 64 KiB among a million ranges. */
    @Benchmark
    public int unregisterSmallAmongAMillion(Registered registered) {
        return registered.table.unregister(registered.index);
    }
}
