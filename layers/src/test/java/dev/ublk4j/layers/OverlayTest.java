package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Operation;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class OverlayTest {
    private static final int SIZE = 1 << 20;
    private static final int CLUSTER = 16384;

    @TempDir Path folder;

    private LastingDisk disk(String name) {
        return new LastingDisk(folder.resolve(name), SIZE);
    }

    private OverlayMap map() throws IOException {
        return OverlayMap.inFile(folder.resolve("map"), SIZE, CLUSTER);
    }

    private static InFlight write(TestBed bed, long position, byte[] bytes) {
        MemorySegment data = bed.memory(bytes.length);
        data.copyFrom(MemorySegment.ofArray(bytes));
        return bed.submit(request -> request.write(position).add(data));
    }

    private static byte[] random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void theBaseStaysAsItIsAndTheNextServerSeesWhatWasFlushed() throws IOException {
        LastingDisk base = disk("base");
        byte[] before = random(1, SIZE);
        base.disk.asByteBuffer().put(before);
        byte[] page = random(2, 4096);
        try (TestBed bed = TestBed.of(new Overlay(new ReadOnly(base), disk("upper"), map()))) {
            bed.write(3 * 4096, page);
            bed.write(5 * CLUSTER, random(3, 2 * CLUSTER));
            bed.flush();
        }
        System.arraycopy(page, 0, before, 3 * 4096, 4096);
        System.arraycopy(random(3, 2 * CLUSTER), 0, before, 5 * CLUSTER, 2 * CLUSTER);
        try (OverlayMap map = map()) {
            assertThat(map.upperClusters()).isEqualTo(3);
        }
        try (TestBed bed = TestBed.of(new Overlay(new ReadOnly(base), disk("upper"), map()))) {
            assertThat(bed.read(0, SIZE)).isEqualTo(before);
        }
        assertThat(base.disk.asSlice(0, 3 * 4096).toArray(ValueLayout.JAVA_BYTE))
                .startsWith(random(1, 3 * 4096));
    }

    @Test
    void whatWasWrittenAndNotFlushedIsThereForTheNextServerAndGoneWithTheMachine()
            throws IOException {
        LastingDisk base = disk("base");
        byte[] before = random(6, SIZE);
        base.disk.asByteBuffer().put(before);
        byte[] after = before.clone();
        byte[] some = random(7, 2 * CLUSTER);
        System.arraycopy(some, 0, after, 3 * 4096, some.length);
        Path left = folder.resolve("left");
        try (TestBed bed = TestBed.of(new Overlay(new ReadOnly(base), disk("upper"), map()))) {
            bed.write(3 * 4096, some);
            // What a server leaves that is killed now.
            Files.copy(folder.resolve("map"), left);
        }
        try (OverlayMap map = OverlayMap.inFile(left, SIZE, CLUSTER)) {
            assertThat(map.upperClusters()).isEqualTo(3);
        }
        try (TestBed bed =
                TestBed.of(
                        new Overlay(
                                new ReadOnly(base),
                                disk("upper"),
                                OverlayMap.inFile(left, SIZE, CLUSTER)))) {
            assertThat(bed.read(0, SIZE)).isEqualTo(after);
            // Nothing is flushed: what a machine leaves that loses its power now.
            Files.copy(left, folder.resolve("old"));
        }
        byte[] old = Files.readAllBytes(folder.resolve("old"));
        old[24]++;
        Files.write(folder.resolve("old"), old);
        try (TestBed bed =
                TestBed.of(
                        new Overlay(
                                new ReadOnly(base),
                                disk("upper"),
                                OverlayMap.inFile(folder.resolve("old"), SIZE, CLUSTER)))) {
            assertThat(bed.read(0, SIZE)).isEqualTo(before);
        }
        try (OverlayMap map = OverlayMap.inFile(left, SIZE, CLUSTER)) {
            assertThat(map.upperClusters()).as("flushed at the end").isEqualTo(3);
        }
    }

    @Test
    void aFlushThatFindsNoThreadFailsAndTheNextOneWritesWhatItHasNot() throws IOException {
        Path left = folder.resolve("left");
        Overlay overlay =
                new Overlay(
                        new ReadOnly(disk("base")), disk("upper"), map(), new NoThreadAtFirst());
        try (TestBed bed = TestBed.of(overlay)) {
            bed.write(0, random(8, CLUSTER));
            assertThatThrownBy(bed::flush).hasMessageContaining("ENOMEM");
            bed.flush();
            Files.copy(folder.resolve("map"), left);
        }
        byte[] restarted = Files.readAllBytes(left);
        restarted[24]++;
        Files.write(left, restarted);
        try (OverlayMap map = OverlayMap.inFile(left, SIZE, CLUSTER)) {
            assertThat(map.upperClusters()).isEqualTo(1);
        }
    }

    @Test
    void aFlushWhoseThreadIsStartedAndSaysThatItIsNotEndsOnce() throws IOException {
        Overlay overlay =
                new Overlay(
                        new ReadOnly(disk("base")),
                        disk("upper"),
                        map(),
                        task ->
                                new Thread(task) {
                                    @Override
                                    public void start() {
                                        super.start();
                                        try {
                                            join();
                                        } catch (InterruptedException e) {
                                            throw new AssertionError(e);
                                        }
                                        throw new OutOfMemoryError("late, for a test");
                                    }
                                });
        try (TestBed bed = TestBed.of(overlay)) {
            for (int i = 0; i < 3; i++) {
                bed.write(i * CLUSTER, random(i, CLUSTER));
                bed.flush();
            }
        }
        try (OverlayMap map = map()) {
            assertThat(map.upperClusters()).isEqualTo(3);
        }
    }

    @Test
    void aCommitBringsEverythingIntoTheBaseWhileTheDeviceIsWrittenTo() throws Exception {
        LastingDisk base = disk("base");
        byte[] expected = random(4, SIZE);
        base.disk.asByteBuffer().put(expected);
        Overlay overlay = new Overlay(base, disk("upper"), map());
        try (TestBed bed = TestBed.of(overlay)) {
            Random random = new Random(5);
            CompletableFuture<Void> done = null;
            for (int i = 0; i < 3000 || !done.isDone(); i++) {
                byte[] some = new byte[512 * (1 + random.nextInt(16))];
                random.nextBytes(some);
                int at = random.nextInt((SIZE - some.length) / 512) * 512;
                bed.write(at, some);
                System.arraycopy(some, 0, expected, at, some.length);
                if (i == 1000) {
                    done = overlay.commit();
                }
            }
            done.get(5, TimeUnit.MINUTES);
            assertThat(bed.read(0, SIZE)).isEqualTo(expected);
            overlay.commit().get(5, TimeUnit.MINUTES);
            assertThat(overlay.map().upperClusters()).isZero();
            assertThat(base.disk.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
            assertThat(bed.read(0, SIZE)).isEqualTo(expected);
        }
        try (OverlayMap map = map()) {
            assertThat(map.upperClusters()).isZero();
        }
    }

    @Test
    void aWriteWaitsForHoweverLongAnotherTakesToFillItsCluster() throws IOException {
        FaultInjector base = new FaultInjector(disk("base"));
        base.inject(DiskFault.delay(Duration.ofMillis(200)).on(Operation.READ).next(1));
        byte[] first = random(8, 4096);
        byte[] second = random(9, 2 * CLUSTER);
        byte[] expected = new byte[4 * CLUSTER];
        System.arraycopy(first, 0, expected, 4096, first.length);
        System.arraycopy(second, 0, expected, 8192, second.length);
        try (TestBed bed = TestBed.of(new Overlay(base, disk("upper"), map()))) {
            InFlight filling = write(bed, 4096, first);
            InFlight waiting = write(bed, 8192, second);
            assertThat(waiting.check()).isEqualTo(second.length);
            assertThat(filling.check()).isEqualTo(first.length);
            assertThat(bed.read(0, expected.length)).isEqualTo(expected);
        }
    }

    @Test
    void whatIsNoMapOrAnothersIsRefusedByName() throws IOException {
        Path path = folder.resolve("map");
        map().close();
        assertThatThrownBy(() -> OverlayMap.inFile(path, 2 * SIZE, CLUSTER))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the map of a device of 1048576 bytes");
        try (OverlayMap _ = map()) {
            assertThatThrownBy(this::map)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("is served");
        }
        Path other = Files.writeString(folder.resolve("other"), "x".repeat(8192));
        assertThatThrownBy(() -> OverlayMap.inFile(other, SIZE, CLUSTER))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not the map of an overlay");
        assertThat(Files.readString(other)).isEqualTo("x".repeat(8192));
        Closing base = new Closing(new MemoryTarget(SIZE));
        Closing upper = new Closing(new MemoryTarget(SIZE / 2));
        assertThatThrownBy(() -> new Overlay(base, upper, map()))
                .hasMessageContaining("the upper target has 524288 bytes");
        assertThat(base.closed && upper.closed).isTrue();
        map().close();
    }

    @Test
    void whatHasChangedIsToldInClusters() throws IOException {
        Overlay overlay = new Overlay(disk("base"), disk("upper"), map());
        try (TestBed bed = TestBed.of(overlay)) {
            bed.write(CLUSTER + 4096, random(1, 4096));
            bed.write(3 * CLUSTER, random(2, 2 * CLUSTER));

            Extents changes = new Extents(8);
            overlay.describeChanges(512, 6L * CLUSTER, changes);

            assertThat(IntStream.range(0, changes.count()).mapToLong(changes::length))
                    .containsExactly(
                            CLUSTER - 512L,
                            (long) CLUSTER,
                            (long) CLUSTER,
                            2L * CLUSTER,
                            CLUSTER + 512L);
            assertThat(changes.isData(0)).isFalse();
            assertThat(changes.isData(1)).isTrue();
        }
    }

    @Test
    void aCommitEndsWithItsDevice() throws Exception {
        Overlay overlay = new Overlay(disk("base"), disk("upper"), map());
        assertThatThrownBy(overlay::commit).isInstanceOf(IllegalStateException.class);
        try (TestBed bed = TestBed.of(overlay)) {
            bed.write(0, random(6, SIZE));
            overlay.commit().get(5, TimeUnit.MINUTES);
            bed.write(0, random(7, CLUSTER));
        }
        assertThatThrownBy(overlay::commit)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no device");
    }

    @Test
    void aMapThatWasLeftWhileItWasMadeIsMadeAgain() throws IOException {
        Path path = Files.write(folder.resolve("map"), new byte[8192]);
        try (OverlayMap map = map()) {
            assertThat(map.upperClusters()).isZero();
            assertThat(map.isNew()).isFalse();
            assertThatThrownBy(this::map).hasMessageContaining("is served");
            assertThat(path).exists();
        }
        Path other = folder.resolve("refused");
        assertThatThrownBy(() -> OverlayMap.inFile(other, SIZE, 1000))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(other).doesNotExist();
        assertThat(path).exists();
    }
}
