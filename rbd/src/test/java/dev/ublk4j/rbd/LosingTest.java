package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.TestBed;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster of which a part is lost, or all of it, and a server that dies. */
@Timeout(300)
class LosingTest {
    private static final int BLOCK = 16 << 10;
    private static final int PAGE = 4096;
    private static final int BLOCKS = 512;

    /** How long a cluster is away. */
    private static final Duration OUTAGE = Duration.ofSeconds(5);

    private static final List<Integer> ALL = List.of(0, 1, 2);

    private TestCluster cluster;

    @TempDir Path folder;

    @BeforeEach
    void start() {
        cluster = TestCluster.get();
    }

    @AfterEach
    void repair() {
        if (cluster != null) {
            startAll();
        }
    }

    private void startAll() {
        ALL.forEach(osd -> cluster.osd("osd-start", osd));
    }

    private void stopAll() {
        ALL.parallelStream().forEach(osd -> cluster.osd("osd-stop", osd));
    }

    /** {@return what a block holds after so many writes of it} */
    private static byte[] content(int block, int version) {
        byte[] bytes = new byte[BLOCK];
        Arrays.fill(bytes, (byte) (31 * block + version));
        return bytes;
    }

    /** Writes and reads blocks at random until it is told to stop, and answers their versions. */
    private static int[] work(TestBed bed, AtomicBoolean stop) {
        Random random = new Random(1);
        int[] versions = new int[BLOCKS];
        while (!stop.get()) {
            int block = random.nextInt(BLOCKS);
            long at = (long) block * BLOCK;
            if (versions[block] > 0) {
                assertThat(bed.read(at, BLOCK)).isEqualTo(content(block, versions[block]));
            }
            versions[block]++;
            bed.write(at, content(block, versions[block]));
            if (random.nextInt(16) == 0) {
                bed.flush();
            }
        }
        return versions;
    }

    private static void verify(TestBed bed, int[] versions) {
        for (int block = 0; block < BLOCKS; block++) {
            if (versions[block] > 0) {
                assertThat(bed.read((long) block * BLOCK, BLOCK))
                        .as("block %d", block)
                        .isEqualTo(content(block, versions[block]));
            }
        }
    }

    @Test
    void nothingIsLostWithAnOsdThatDiesAndComesBack() throws Exception {
        RbdImageName name = cluster.image("8M");
        int[] versions;
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            AtomicBoolean stop = new AtomicBoolean();
            CompletableFuture<int[]> work = CompletableFuture.supplyAsync(() -> work(bed, stop));
            cluster.osd("osd-kill", 1);
            Thread.sleep(1000);
            cluster.osd("osd-start", 1);
            cluster.osd("osd-stop", 2);
            cluster.osd("osd-start", 2);
            stop.set(true);
            versions = work.get(2, TimeUnit.MINUTES);
            verify(bed, versions);
        }
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            verify(bed, versions);
        }
    }

    @Test
    void nothingIsLostWhileNoMonitorAndNoOsdCanBeReached() throws Exception {
        lose(cluster::freeze, cluster::thaw);
    }

    @Test
    void nothingIsLostWhileAllOsdsAreStopped() throws Exception {
        lose(this::stopAll, this::startAll);
    }

    private void lose(Runnable stop, Runnable start) throws Exception {
        RbdImageName name = cluster.image("8M");
        int[] versions;
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            AtomicBoolean enough = new AtomicBoolean();
            CompletableFuture<int[]> work = CompletableFuture.supplyAsync(() -> work(bed, enough));
            stop.run();
            try {
                Thread.sleep(OUTAGE);
                assertThat(work).as("the work without a cluster").isNotDone();
            } finally {
                start.run();
            }
            enough.set(true);
            versions = work.get(2, TimeUnit.MINUTES);
            verify(bed, versions);
        }
        try (TestBed bed = TestBed.of(cluster.open(name))) {
            verify(bed, versions);
        }
    }

    @Test
    void requestsWaitForAClusterThatIsGoneAndEndWhenItIsBack() {
        RbdImageName idleName = cluster.image("8M");
        TestBed idle = TestBed.of(cluster.open(idleName));
        idle.write(0, content(0, 1));
        idle.flush();
        try (TestBed bed = TestBed.of(cluster.open(cluster.image("8M")))) {
            bed.write(0, content(0, 1));
            // From its first flush on, librbd's cache would complete writes before they are there.
            bed.flush();
            stopAll();
            MemorySegment data = bed.memory(BLOCK);
            MemorySegment room = bed.memory(BLOCK);
            data.copyFrom(MemorySegment.ofArray(content(1, 1)));
            InFlight write = bed.submit(request -> request.write(BLOCK).add(data));
            InFlight read = bed.submit(request -> request.read(0).add(room));
            // One without a request is closed meanwhile, though its image cannot be; none is
            // opened.
            idle.close();
            RbdOptions hasty = cluster.options().withPatience(Duration.ofSeconds(1));
            assertThatThrownBy(() -> RbdTarget.open(idleName, hasty))
                    .isInstanceOf(CephException.class)
                    .hasMessageContaining("does not answer within 1 s");
            assertThat(read.isDone()).as("a read without OSDs").isFalse();
            assertThat(write.isDone()).as("a write without OSDs").isFalse();
            startAll();
            assertThat(write.check()).isEqualTo(BLOCK);
            assertThat(read.check()).isEqualTo(BLOCK);
            assertThat(room.mismatch(MemorySegment.ofArray(content(0, 1)))).isEqualTo(-1);
            bed.flush();
            assertThat(bed.read(BLOCK, BLOCK)).isEqualTo(content(1, 1));
        }
    }

    @Test
    void aQueueTakesMoreRequestsThanTheLibraryHasUnderWayAndNeverWaitsForIt() {
        int depth = 4096;
        // Without a map of its objects, nothing is known of them without the cluster.
        RbdImageName name = cluster.image("64M", "--image-feature", "exclusive-lock");
        DeviceOptions options = TestBed.options().withDepth(depth).withMaxIo(PAGE);
        RbdTarget target = cluster.open(name);
        try (TestBed bed = TestBed.of(target, options)) {
            bed.write(0, new byte[PAGE]);
            cluster.freeze();
            List<InFlight> writes = new ArrayList<>();
            try {
                MemorySegment data = bed.memory((long) depth * PAGE);
                for (int i = 0; i < depth - 1; i++) {
                    long at = (long) i * PAGE;
                    MemorySegment block = data.asSlice(at, PAGE);
                    block.fill((byte) i);
                    writes.add(
                            i % 2 == 0
                                    ? bed.submit(request -> request.write(at).add(block))
                                    : bed.submit(request -> request.read(at).add(block)));
                }
                // The queue's thread has taken them all: it does not wait in the library.
                assertThat(
                                Deadline.in(Duration.ofMinutes(1))
                                        .poll(
                                                Duration.ofMillis(50),
                                                () ->
                                                        bed.device().statistics().out()
                                                                == writes.size()))
                        .isTrue();
                assertThat(target.use(Duration.ofSeconds(1))).isNull();
            } finally {
                cluster.thaw();
            }
            for (InFlight write : writes) {
                assertThat(write.check()).isEqualTo(PAGE);
            }
        }
    }

    @Test
    void aClusterThatCannotBeReachedIsNamedByItsMonitors() throws Exception {
        Path wrong = folder.resolve("ceph.conf");
        String text = Files.readString(cluster.configuration());
        Files.writeString(
                wrong, text.replaceFirst("(?m)^mon host.*$", "mon host = [v2:127.0.0.1:9/0]"));
        RbdOptions options =
                cluster.options().withConfiguration(wrong).withPatience(Duration.ofSeconds(1));
        assertThatThrownBy(() -> RbdTarget.open(RbdImageName.parse("rbd/disk"), options))
                .isInstanceOf(CephException.class)
                .hasMessage(
                        "the cluster does not answer within 1 s; its monitors: [v2:127.0.0.1:9/0]");
    }

    @Test
    void whatAServerHadAcknowledgedIsThereWhenItHasBeenKilled() throws Exception {
        RbdImageName name = cluster.image("8M");
        List<String> java = List.of(WritingServer.java());
        try (WritingServer writer = WritingServer.start(java, cluster.configuration(), name)) {
            writer.await(50);
            writer.kill();
            RbdOptions breaking = cluster.options().withBreakLock(true);
            try (TestBed bed = TestBed.of(RbdTarget.open(name, breaking))) {
                writer.verify(bed.read(0, WritingServer.BYTES));
            }
        }
    }
}
