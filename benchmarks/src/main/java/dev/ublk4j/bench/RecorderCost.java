package dev.ublk4j.bench;

import dev.ublk4j.crash.History;
import dev.ublk4j.crash.Recorder;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * What a recorder costs above a memory target, beside what one more copy of the data costs.
 *
 * <p>Devices of all kinds are open at the same time and take turns of some milliseconds. What
 * counts is the time on the processor of the queue's thread, which is client and server in one; the
 * ratios are of turns that follow each other.
 */
final class RecorderCost {
    private static final int BLOCK = 4096;
    private static final int SIZE = 64 << 20;
    private static final int DEPTH = 32;
    private static final int ROUNDS = 12;
    private static final int WARM_UP_ROUNDS = 4;
    private static final int TURNS = 12;
    private static final int WRITES = 2048;
    private static final long LIMIT = 1L << 30;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private enum Kind {
        PLAIN("plain"),
        COPIED("with one more copy"),
        IN_MEMORY("recorded in memory"),
        IN_FILE("recorded in a file");

        private final String text;

        Kind(String text) {
            this.text = text;
        }
    }

    private RecorderCost() {}

    /** Prints the figures; the recording in a file is made in the folder for temporary files. */
    static void print() throws Exception {
        List<double[]> all = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            List<double[]> turns = round();
            if (round >= WARM_UP_ROUNDS) {
                all.addAll(turns);
            }
        }
        for (Kind kind : Kind.values()) {
            System.out.printf(
                    "4 KiB writes, memory target, %s: %.0f ns, %.2f times%n",
                    kind.text,
                    median(all.stream().mapToDouble(each -> each[kind.ordinal()]).toArray()),
                    median(
                            all.stream()
                                    .mapToDouble(each -> each[kind.ordinal()] / each[0])
                                    .toArray()));
        }
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static List<double[]> round() throws Exception {
        List<Bed> beds = new ArrayList<>();
        try {
            for (Kind kind : Kind.values()) {
                beds.add(Bed.of(kind));
            }
            for (Bed bed : beds) {
                bed.write(SIZE / BLOCK);
            }
            List<double[]> turns = new ArrayList<>();
            for (int turn = 0; turn < TURNS; turn++) {
                double[] nanos = new double[beds.size()];
                for (int i = 0; i < beds.size(); i++) {
                    int whose = (turn + i) % beds.size();
                    long began = beds.get(whose).processorNanos();
                    beds.get(whose).write(WRITES);
                    nanos[whose] = (double) (beds.get(whose).processorNanos() - began) / WRITES;
                }
                turns.add(nanos);
            }
            return turns;
        } finally {
            for (Bed bed : beds) {
                bed.close();
            }
        }
    }

    /** A memory target that copies what is written to another place first, and keeps no account. */
    private static final class CopiedTarget implements SimpleTarget {
        private static final long ROOM = 256L << 20;

        private final MemoryTarget disk = new MemoryTarget(SIZE);
        private final Arena arena = Arena.ofShared();
        private final MemorySegment room = Mapping.hugeAnonymous(ROOM, arena);
        private long place;

        CopiedTarget() {
            // A page that is touched for the first time costs more than the copy.
            room.fill((byte) 1);
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(SIZE);
        }

        @Override
        public int read(Request request) {
            return disk.read(request);
        }

        @Override
        public int write(Request request) {
            int _ = request.copyTo(room, place);
            place = (place + BLOCK) % ROOM;
            return disk.write(request);
        }

        @Override
        public void close() {
            disk.close();
            arena.close();
        }
    }

    /** A device and its client. */
    private static final class Bed implements AutoCloseable {
        private final EmbeddedDriver driver = EmbeddedDriver.create();
        private final Arena arena = Arena.ofShared();
        private final @Nullable History history;
        private final @Nullable Path file;
        private final Device device;
        private final Disk disk;
        private final ClientMemory memory;

        private long place;

        private volatile long thread;

        private Bed(Target target, @Nullable History history, @Nullable Path file) {
            this.history = history;
            this.file = file;
            device = Device.start(driver, target, DeviceOptions.defaults());
            disk = driver.openBlock(device.id());
            memory = new ClientMemory(arena.allocate((long) DEPTH * BLOCK, BLOCK));
        }

        static Bed of(Kind kind) throws IOException {
            if (kind == Kind.PLAIN) {
                return new Bed(new MemoryTarget(SIZE), null, null);
            }
            if (kind == Kind.COPIED) {
                return new Bed(new CopiedTarget(), null, null);
            }
            MemoryTarget below = new MemoryTarget(SIZE);
            if (kind == Kind.IN_MEMORY) {
                History history = new History(LIMIT);
                return new Bed(new Recorder(below, history), history, null);
            }
            Path file = Files.createTempDirectory("ublk4j-bench").resolve("disk.rec");
            History history = History.inFile(file, below.geometry(), LIMIT);
            return new Bed(new Recorder(below, history), history, file);
        }

        long processorNanos() {
            return THREADS.getThreadCpuTime(thread);
        }

        void write(int count) throws InterruptedException {
            CountDownLatch left = new CountDownLatch(count);
            for (int i = 0; i < DEPTH; i++) {
                int slot = i;
                DiskRequest request =
                        new DiskRequest((done, _) -> {
                            thread = Thread.currentThread().threadId();
                            left.countDown();
                            if (left.getCount() >= DEPTH) {
                                submit(done, slot);
                            }
                        });
                submit(request, slot);
            }
            left.await();
        }

        private synchronized void submit(DiskRequest request, int slot) {
            place = (place + BLOCK) % SIZE;
            disk.submit(request.write(place).add(memory, (long) slot * BLOCK, BLOCK));
        }

        @Override
        public void close() throws IOException {
            disk.close();
            device.close();
            driver.close();
            memory.close();
            arena.close();
            if (history != null) {
                history.close();
            }
            if (file != null) {
                Files.delete(file);
                Files.delete(file.getParent());
            }
        }
    }
}
