package dev.ublk4j.bench.curve;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Target;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Measures random reads and writes of all block sizes, on each target, in each way that data comes.
 *
 * <p>The server is this process, the application is fio in another, with its data in huge pages of
 * hugetlbfs in any case. Each load runs until its device has moved data for a moment; then the
 * bytes and the processors' time of a window are taken, so that neither start nor end of fio is in
 * the figures.
 */
public final class CurveRun {
    private static final Path BUFFER = Path.of("/dev/hugepages/ublk4j-curve");
    private static final int DEPTH = 8;
    private static final int LARGEST = 4 << 20;

    /**
     * Keeps the server's buffers, and the places on the disk, from having the alignment of fio's
     * buffers: an emulated processor has a direct-mapped table of translations, and copies between
     * two places that share an entry miss in it for every byte.
     */
    private static final int STAGGER = 68 << 10;

    private static final long SIZE = 256L << 20;
    private static final long START_PATIENCE_NANOS = 60_000_000_000L;

    private static final int COMPILER_ROUNDS = 2;

    /** Requests that make a figure. */
    private static final int ENOUGH = 4 * DEPTH;

    private static final long LONGEST_WINDOW_NANOS = 20_000_000_000L;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults()
                    .withDepth(2 * DEPTH)
                    .withMaxIo(LARGEST + STAGGER)
                    .with(Feature.NO_AUTO_PART_SCAN);

    private final KernelDriver driver;
    private final MemorySegment memory;
    private final PrintWriter out;
    private final List<Integer> blocks;
    private final long windowMillis;

    private CurveRun(KernelDriver driver, MemorySegment memory, PrintWriter out, boolean quick) {
        this.driver = driver;
        this.memory = memory;
        this.out = out;
        this.blocks =
                quick
                        ? List.of(4 << 10, 128 << 10, LARGEST)
                        : List.of(4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, LARGEST);
        this.windowMillis = quick ? 700 : 1500;
    }

    /**
     * Measures.
     *
     * @param arguments the file to write to, and {@code --quick} for fewer sizes and less time
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        boolean quick = List.of(arguments).contains("--quick");
        Files.deleteIfExists(BUFFER);
        try (PrintWriter out =
                        new PrintWriter(Files.newBufferedWriter(Path.of(arguments[0])), true);
                Arena arena = Arena.ofShared();
                SharedMemory file = SharedMemory.createFile(BUFFER, (long) DEPTH * LARGEST, 0600);
                KernelDriver driver = KernelDriver.open()) {
            out.println("# kernel\t" + driver.name());
            out.println("# cpu\t" + processor());
            out.println("# date\t" + LocalDate.now());
            out.println("# window\t%.1f s".formatted(quick ? 0.7 : 1.5));
            CurveRun run = new CurveRun(driver, file.map(arena, false), out, quick);
            run.compile();
            run.measure("null", () -> new NullTarget(SIZE));
            run.measure("memory", () -> new MemoryTarget(SIZE));
            Path disk = Files.createTempFile("ublk4j-curve", ".img");
            out.println("# file system\t" + Files.getFileStore(disk).type());
            fill(disk);
            run.measure(
                    "file",
                    () ->
                            new FileTarget(
                                    BackingFile.open(disk, BackingFile.Caching.DIRECT, false)));
            Files.delete(disk);
        } finally {
            Files.deleteIfExists(BUFFER);
        }
    }

    private static String processor() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            String model =
                    lines.filter(line -> line.startsWith("model name"))
                            .findFirst()
                            .orElse("model name: unknown");
            return "%d of %s"
                    .formatted(
                            Runtime.getRuntime().availableProcessors(),
                            model.substring(model.indexOf(':') + 1).strip());
        }
    }

    /** Gives a file all of its blocks, so that no write has to find one. */
    private static void fill(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.allocate(1 << 20);
            for (long at = 0; at < SIZE; at += bytes.capacity()) {
                file.write(bytes.clear(), at);
            }
            file.force(true);
        }
    }

    private void measure(String name, Supplier<Target> targets)
            throws IOException, InterruptedException {
        Target example = targets.get();
        List<Mode> modes = Mode.of(example.ability(LeavesData.class) == null);
        example.close();
        for (Mode mode : modes) {
            try (Device device = start(targets.get(), mode)) {
                // Pages of memory get their frames, and what is left of the compiler's work is
                // done.
                window(name, device, true, mode, LARGEST);
                window(name, device, false, mode, blocks.getFirst());
                for (boolean write : new boolean[] {false, true}) {
                    for (int block : blocks) {
                        print(window(name, device, write, mode, block));
                    }
                }
            }
        }
    }

    private Device start(Target target, Mode mode) throws IOException {
        Device device =
                Device.start(
                        driver,
                        target,
                        switch (mode) {
                            case COPY -> OPTIONS;
                            case USER_COPY -> OPTIONS.with(Feature.USER_COPY);
                            case REGISTERED ->
                                    OPTIONS.with(Feature.SUPPORT_ZERO_COPY)
                                            .with(Feature.AUTO_BUF_REG);
                            case SHARED -> OPTIONS.with(Feature.SHMEM_ZC);
                        });
        Path queue = Path.of("/sys/block/ublkb%d/queue".formatted(device.id()));
        // The largest request that the device takes, and no two made one: each has its buffer.
        Files.writeString(
                queue.resolve("max_sectors_kb"),
                Files.readString(queue.resolve("max_hw_sectors_kb")));
        Files.writeString(queue.resolve("nomerges"), "2");
        if (mode == Mode.SHARED) {
            device.share(memory, false);
        }
        return device;
    }

    /** Lets the compiler finish, which takes its time on an emulated processor. */
    private void compile() throws IOException, InterruptedException {
        for (Mode mode : Mode.of(false)) {
            try (Device device = start(new NullTarget(SIZE), mode)) {
                for (int round = 0; round < COMPILER_ROUNDS; round++) {
                    window("null", device, true, mode, blocks.getFirst());
                    window("null", device, false, mode, blocks.getFirst());
                }
            }
        }
    }

    private void print(Point point) {
        out.println(point.line());
        System.err.printf(
                "%s %s %s %d KiB: %.0f MiB/s, %.2f s of CPU per GiB, %d of %d requests shared%n",
                point.target(),
                point.write() ? "write" : "read",
                point.mode().text,
                point.blockBytes() >> 10,
                point.mibPerSecond(),
                point.cpuPerGib(),
                point.hits(),
                point.requests());
    }

    /** What can be read at one moment. */
    private record Moment(
            long nanos, DeviceCounters counters, double machine, double server, double client) {
        static Moment of(Device device, Process load) throws IOException {
            return new Moment(
                    System.nanoTime(),
                    device.counters(),
                    CpuTime.ofMachine(),
                    CpuTime.of(ProcessHandle.current().pid()),
                    CpuTime.of(load.pid()));
        }
    }

    private Point window(String name, Device device, boolean write, Mode mode, int block)
            throws IOException, InterruptedException {
        Process load = start(device, write, block);
        try {
            awaitData(device, load);
            Moment from = Moment.of(device, load);
            // Large requests of a slow machine take long; a few of them say nothing.
            long enough = requests(device) + ENOUGH;
            do {
                Thread.sleep(windowMillis);
            } while (requests(device) < enough
                    && System.nanoTime() - from.nanos < LONGEST_WINDOW_NANOS);
            Moment to = Moment.of(device, load);
            DeviceCounters before = from.counters;
            DeviceCounters after = to.counters;
            long hits = after.sharedRequests() - before.sharedRequests();
            long bytes = bytes(after) - bytes(before);
            if (bytes == 0) {
                throw new IllegalStateException("no request of %d bytes ended".formatted(block));
            }
            return new Point(
                    name,
                    write,
                    mode,
                    block,
                    bytes,
                    requests(after) - requests(before),
                    hits,
                    to.nanos - from.nanos,
                    to.machine - from.machine,
                    to.server - from.server,
                    to.client - from.client);
        } finally {
            load.destroy();
            load.waitFor();
        }
    }

    private static Process start(Device device, boolean write, int block) throws IOException {
        return new ProcessBuilder(
                        "fio",
                        "--name=load",
                        "--thread",
                        "--filename=/dev/ublkb" + device.id(),
                        "--direct=1",
                        "--ioengine=io_uring",
                        "--iodepth=" + DEPTH,
                        "--rw=" + (write ? "randwrite" : "randread"),
                        "--bs=" + block,
                        "--offset=" + STAGGER,
                        "--mem=mmaphuge:" + BUFFER,
                        "--norandommap",
                        "--time_based",
                        "--runtime=600")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static void awaitData(Device device, Process load) throws InterruptedException {
        long before = requests(device);
        long deadline = System.nanoTime() + START_PATIENCE_NANOS;
        while (requests(device) < before + 2L * DEPTH) {
            if (!load.isAlive() || System.nanoTime() > deadline) {
                throw new IllegalStateException("fio does no I/O");
            }
            Thread.sleep(10);
        }
    }

    private static long requests(Device device) {
        return requests(device.counters());
    }

    private static long requests(DeviceCounters counters) {
        return counters.sharedRequests()
                + counters.copiedRequests()
                + counters.registeredRequests();
    }

    private static long bytes(DeviceCounters counters) {
        return counters.sharedBytes() + counters.copiedBytes() + counters.registeredBytes();
    }
}
