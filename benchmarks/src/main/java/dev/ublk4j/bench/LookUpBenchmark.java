package dev.ublk4j.bench;

import com.google.common.collect.ImmutableRangeMap;
import com.google.common.collect.Range;
import dev.ublk4j.embedded.range.RangeTable;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Finding the range of a random frame that is registered. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class LookUpBenchmark {
    private static final int KEYS = 1 << 20;

    /** Pages of a registered buffer: 1 GiB. */
    private static final int BUFFER_PAGES = 1 << 18;

    /** How many ranges there are. */
    @Param({"1", "1000", "1000000"})
    public int ranges;

    private final RangeTable table = new RangeTable();
    private final TreeMap<Long, Long> tree = new TreeMap<>();
    private ImmutableRangeMap<Long, Long> guava = ImmutableRangeMap.of();
    private long[] keys = {};
    private int next;

    /** Fills every map with the same ranges. */
    @Setup
    public void fill() {
        long[] frames = ScatteredFrames.of(ranges, 1);
        for (int from = 0; from < ranges; from += BUFFER_PAGES) {
            table.register(
                    Arrays.copyOfRange(frames, from, Math.min(ranges, from + BUFFER_PAGES)), 0);
        }
        ImmutableRangeMap.Builder<Long, Long> builder = ImmutableRangeMap.builder();
        for (int i = 0; i < ranges; i++) {
            tree.put(frames[i], (long) i);
            builder.put(Range.closed(frames[i], frames[i]), (long) i);
        }
        guava = builder.build();
        SplittableRandom random = new SplittableRandom(2);
        keys = new long[KEYS];
        Arrays.setAll(keys, i -> frames[random.nextInt(ranges)]);
    }

    private long key() {
        next = (next + 1) & (KEYS - 1);
        return keys[next];
    }

    /** The range table. */
    @Benchmark
    public long rangeTable() {
        return table.find(key());
    }

    /** {@code TreeMap.floorEntry}. */
    @Benchmark
    public Map.@Nullable Entry<Long, Long> treeMap() {
        return tree.floorEntry(key());
    }

    /** Guava's {@code ImmutableRangeMap}. */
    @Benchmark
    public @Nullable Long immutableRangeMap() {
        return guava.get(key());
    }
}
