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
    private final RangeTable full = new RangeTable();
    private long[] gib = {};
    private long[] small = {};

    /** Fills one table with a million ranges. */
    @Setup
    public void fill() {
        gib = ScatteredFrames.of(GIB_PAGES, 1);
        long[] frames = ScatteredFrames.of(RANGES + SMALL_PAGES, 2);
        small = Arrays.copyOf(frames, SMALL_PAGES);
        for (int from = SMALL_PAGES; from < frames.length; from += GIB_PAGES) {
            full.register(
                    Arrays.copyOfRange(frames, from, Math.min(frames.length, from + GIB_PAGES)), 0);
        }
    }

    /** Both directions for 1 GiB. */
    @Benchmark
    public int registerAndUnregisterOneGib() {
        return empty.unregister(empty.register(gib, 0));
    }

    /** Both directions for 64 KiB among a million ranges. */
    @Benchmark
    public int registerAndUnregisterSmallAmongAMillion() {
        return full.unregister(full.register(small, 0));
    }

    /** A small buffer that is there, to be removed. */
    @State(Scope.Thread)
    public static class Registered {
        private int index;

        /** Registers it. */
        @Setup(Level.Invocation)
        public void register(RegistrationBenchmark benchmark) {
            index = benchmark.full.register(benchmark.small, 0);
        }

        /** Checks that it is gone. */
        @TearDown(Level.Invocation)
        public void check(RegistrationBenchmark benchmark) {
            assert benchmark.full.unregister(index) < 0 : index;
        }
    }

    /** Removal alone, of 64 KiB among a million ranges. */
    @Benchmark
    public int unregisterSmallAmongAMillion(Registered registered) {
        return full.unregister(registered.index);
    }
}
