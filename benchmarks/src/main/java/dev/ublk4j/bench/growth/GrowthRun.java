package dev.ublk4j.bench.growth;

import com.sun.management.OperatingSystemMXBean;
import dev.ublk4j.bench.ScatteredFrames;
import dev.ublk4j.embedded.range.RangeTable;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Measures how cost grows, and writes the section of docs/performance.md about it. */
public final class GrowthRun {
    private static final long SIZE = 16 << 20;
    private static final int DEPTH = 32;
    private static final int WRITES = 1_500_000;
    private static final int TURNS = 5;
    private static final int LOOK_UPS = 4_000_000;

    /** Pages of the largest buffer: 4 GiB. */
    private static final int BUFFER_PAGES = 1 << 20;

    private static final OperatingSystemMXBean PROCESS =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private GrowthRun() {}

    /**
     * Measures, and writes.
     *
     * @param arguments the folder of the documentation
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        List<Series> all = new ArrayList<>();
        // The compiler gets its work done before anything counts.
        try (Load load = new Load(1, 1, DEPTH, GrowthRun::memory)) {
            double _ = nanosPerWrite(load);
        }
        all.add(
                requests(
                        "queues of a device",
                        new int[] {1, 2, 4, 8, 16},
                        queues -> new Load(1, queues, DEPTH, GrowthRun::memory)));
        all.add(
                requests(
                        "devices of a process",
                        new int[] {1, 4, 16, 64},
                        devices -> new Load(devices, 1, DEPTH, GrowthRun::memory)));
        all.add(
                requests(
                        "requests under way",
                        new int[] {1, 8, 64, 512, 4096},
                        depth -> new Load(1, 1, depth, GrowthRun::memory)));
        all.add(
                requests(
                        "layers over the target, and it",
                        new int[] {1, 2, 3, 4},
                        layers -> new Load(1, 1, DEPTH, () -> layered(layers - 1))));
        all.addAll(ranges());
        all.add(buffers());
        GrowthPage.write(Path.of(arguments[0]), all);
    }

    private static Target memory() {
        return new MemoryTarget(SIZE);
    }

    private static Target layered(int layers) {
        Target target = memory();
        for (int i = 0; i < layers; i++) {
            target = new FaultInjector(target);
        }
        return target;
    }

    private interface Start {
        Load of(int count);
    }

    /** {@return processor time of the process for a write, the least of several turns} */
    private static double nanosPerWrite(Load load) throws InterruptedException {
        int writes = Math.max(1, WRITES / load.streams());
        load.run(writes);
        double least = Double.MAX_VALUE;
        for (int turn = 0; turn < TURNS; turn++) {
            long began = PROCESS.getProcessCpuTime();
            load.run(writes);
            double nanos = PROCESS.getProcessCpuTime() - began;
            least = Math.min(least, nanos / load.streams() / writes);
        }
        return least;
    }

    private static Series requests(String grows, int[] counts, Start start)
            throws IOException, InterruptedException {
        List<Long> axis = new ArrayList<>();
        List<Double> costs = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        for (int count : counts) {
            try (Load load = start.of(count)) {
                costs.add(nanosPerWrite(load));
                axis.add((long) count);
                notes.add(
                        "%d threads, %d MiB resident"
                                .formatted(
                                        ManagementFactory.getThreadMXBean().getThreadCount(),
                                        residentMiB()));
            }
        }
        return new Series(grows, "ns of processor time for a write", axis, costs, notes);
    }

    private static long residentMiB() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
                .sum();
    }

    /** Ranges of a page each, as many as eight buffers of 4 GiB can have. */
    private static List<Series> ranges() {
        List<Long> counts = List.of(1L, 64L, 4096L, 1L << 18, 1L << 20, 8L << 20);
        List<Double> lookUps = new ArrayList<>();
        List<Double> registrations = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        for (long count : counts) {
            int ranges = (int) count;
            long[] frames = ScatteredFrames.of(ranges, 1);
            long before = usedHeap();
            RangeTable table = new RangeTable();
            for (int from = 0; from < ranges; from += BUFFER_PAGES) {
                int _ =
                        table.register(
                                Arrays.copyOfRange(
                                        frames, from, Math.min(ranges, from + BUFFER_PAGES)),
                                0);
            }
            double bytes = (usedHeap() - before) / (double) count;
            // What is of the table as a whole says nothing of a few ranges.
            notes.add(count < 4096 ? "" : "%.0f bytes of heap a range".formatted(bytes));
            lookUps.add(lookUp(table, frames));
            registrations.add(registration(table, 4L * ranges + 10));
        }
        List<String> none = counts.stream().map(_ -> "").toList();
        return List.of(
                new Series("ranges of a page", "ns for a look-up", counts, lookUps, notes),
                new Series(
                        "ranges of a page",
                        "ns to register and unregister 16 pages more",
                        counts,
                        registrations,
                        none));
    }

    private static Series buffers() {
        List<Long> counts = List.of(1L, 64L, 4096L, 65535L);
        List<Double> costs = new ArrayList<>();
        for (long count : counts) {
            RangeTable table = new RangeTable();
            for (long i = 0; i < count; i++) {
                int _ = table.register(new long[] {2 * i}, 0);
            }
            costs.add(registration(table, 4 * count));
        }
        return new Series(
                "buffers of a device",
                "ns to register and unregister 16 pages more",
                counts,
                costs,
                counts.stream().map(_ -> "").toList());
    }

    private static double lookUp(RangeTable table, long[] frames) {
        double least = Double.MAX_VALUE;
        SplittableRandom random = new SplittableRandom(2);
        long[] keys = new long[1 << 20];
        Arrays.setAll(keys, _ -> frames[random.nextInt(frames.length)]);
        long sum = 0;
        for (int turn = 0; turn < TURNS; turn++) {
            long began = System.nanoTime();
            for (int i = 0; i < LOOK_UPS; i++) {
                sum += table.find(keys[i & (keys.length - 1)]);
            }
            least = Math.min(least, (System.nanoTime() - began) / (double) LOOK_UPS);
        }
        if (sum == 1) {
            throw new IllegalStateException("nothing was found");
        }
        return least;
    }

    private static double registration(RangeTable table, long beyond) {
        long[] frames = new long[16];
        Arrays.setAll(frames, i -> beyond + 2L * i);
        int times = 20_000;
        double least = Double.MAX_VALUE;
        for (int turn = 0; turn < TURNS; turn++) {
            long began = System.nanoTime();
            for (int i = 0; i < times; i++) {
                int _ = table.unregister(table.register(frames, 0));
            }
            least = Math.min(least, (System.nanoTime() - began) / (double) times);
        }
        return least;
    }

    private static long usedHeap() {
        System.gc();
        Runtime heap = Runtime.getRuntime();
        return heap.totalMemory() - heap.freeMemory();
    }
}
