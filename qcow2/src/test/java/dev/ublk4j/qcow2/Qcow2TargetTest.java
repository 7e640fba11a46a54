package dev.ublk4j.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.testkit.TestBed;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an image offers besides being a disk. */
@Timeout(300)
class Qcow2TargetTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 1 << 20;

    @TempDir Path folder;

    private Path image() {
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE, CLUSTER, null, null).create(image);
        return image;
    }

    private static Qcow2Target open(Path image) {
        return Qcow2Target.open(image, Qcow2Options.of(Caching.BUFFERED));
    }

    private static byte[] random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void snapshotsAreListedAndRead() throws Exception {
        QemuImg.require();
        Path image = image();
        byte[] then = random(1, SIZE);
        try (TestBed bed = TestBed.of(open(image))) {
            bed.write(0, then);
        }
        QemuImg.run(folder, "snapshot", "-c", "before the update", image);
        try (TestBed bed = TestBed.of(open(image))) {
            bed.write(0, random(2, SIZE / 2));
        }
        QemuImg.run(folder, "snapshot", "-c", "after", image);
        try (Qcow2Target target = open(image)) {
            assertThat(target.snapshots())
                    .extracting(Snapshot::id, Snapshot::name, Snapshot::diskBytes)
                    .containsExactly(
                            tuple("1", "before the update", (long) SIZE),
                            tuple("2", "after", (long) SIZE));
        }
        for (String name : List.of("1", "before the update")) {
            Qcow2Options options = Qcow2Options.of(Caching.BUFFERED).withSnapshot(name);
            try (TestBed bed = TestBed.of(Qcow2Target.open(image, options))) {
                assertThat(bed.disk().isReadOnly()).isTrue();
                assertThat(bed.read(0, SIZE)).isEqualTo(then);
            }
        }
        assertThatThrownBy(() ->
                        Qcow2Target.open(
                                image, Qcow2Options.of(Caching.BUFFERED).withSnapshot("3")))
                .hasMessageEndingWith("has no snapshot '3'; it has: before the update, after");
        QemuImg.check(image);
    }

    @Test
    void tellsWhatHoldsNothingInItAndBelow() throws Exception {
        byte[] base = new byte[SIZE / 2];
        Arrays.fill(base, 0, 2 * CLUSTER, (byte) 1);
        Path raw = Files.write(folder.resolve("base.img"), new byte[0]);
        try (var file = new RandomAccessFile(raw.toFile(), "rw")) {
            file.write(base, 0, 2 * CLUSTER);
            file.setLength(SIZE / 2);
        }
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE, CLUSTER, "base.img", "raw").create(image);
        Qcow2Target target = open(image);
        try (TestBed bed = TestBed.of(target)) {
            bed.write(5 * CLUSTER, new byte[CLUSTER]);
            bed.write(SIZE - CLUSTER, new byte[CLUSTER]);
            bed.writeZeroes(CLUSTER, CLUSTER);
            Extents extents = new Extents(16);
            target.describe(0, SIZE, extents);
            List<String> runs = new ArrayList<>();
            for (int i = 0; i < extents.count(); i++) {
                runs.add((extents.isData(i) ? "data " : "hole ") + extents.length(i) / CLUSTER);
            }
            assertThat(runs)
                    .containsExactly(
                            "data 1", "hole 4", "data 1", "hole %d".formatted(256 - 7), "data 1");
        }
    }

    @Test
    void spaceThatIsGivenUpIsUsedAgain() throws Exception {
        Path image = image();
        try (TestBed bed = TestBed.of(open(image))) {
            for (int round = 0; round < 80; round++) {
                bed.write(0, random(round, SIZE / 2));
                bed.discard(0, SIZE / 2);
            }
            bed.write(0, random(1, SIZE / 2));
        }
        // Clusters are reserved in runs that double, so that 63 MiB would be if none were used
        // again.
        assertThat(Files.size(image)).isLessThan(40 * SIZE);
        QemuImg.require();
        QemuImg.check(image);
    }

    /** A target whose queue's thread is known. */
    private record Watched(Target target, AtomicLong thread) implements Target {
        @Override
        public Geometry geometry() {
            return target.geometry();
        }

        @Override
        public TargetQueue open(Queue queue) {
            thread.set(Thread.currentThread().threadId());
            return target.open(queue);
        }

        @Override
        public void close() {
            target.close();
        }
    }

    @Test
    void aRequestForClustersThatHaveTheirPlaceAllocatesNothing() throws Exception {
        AtomicLong thread = new AtomicLong();
        Path image = image();
        try (TestBed bed = TestBed.of(open(image))) {
            bed.write(0, random(1, SIZE));
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device =
                        Device.start(
                                driver,
                                new Watched(open(image), thread),
                                DeviceOptions.defaults());
                ClientMemory client = new ClientMemory(arena.allocate(1 << 16, 4096));
                Disk disk = driver.openBlock(device.id())) {
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 40 && least > 0; round++) {
                long before = threads.getThreadAllocatedBytes(thread.get());
                submitMany(disk, client, 5_000);
                least = Math.min(least, threads.getThreadAllocatedBytes(thread.get()) - before);
            }
            assertThat(least).isZero();
        }
    }

    private static void submitMany(Disk disk, ClientMemory client, int count) throws Exception {
        CountDownLatch left = new CountDownLatch(count);
        Random random = new Random(1);
        DiskRequest request =
                new DiskRequest((done, result) -> {
                    assert result == done.length() : done + ": " + result;
                    left.countDown();
                    int number = (int) left.getCount();
                    if (number > 0) {
                        long at = random.nextInt(32) * 4096L;
                        DiskRequest next = number % 2 == 0 ? done.read(at) : done.write(at);
                        disk.submit(next.add(client, 0, (number % 4 + 1) * 4096));
                    }
                });
        disk.submit(request.write(0).add(client, 0, 4096));
        assertThat(left.await(5, TimeUnit.MINUTES)).isTrue();
    }
}
