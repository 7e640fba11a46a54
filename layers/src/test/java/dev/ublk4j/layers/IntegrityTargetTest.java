package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.IntegrityFormat.Checksum;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On the embedded driver, whose clients bring their own metadata. */
@Timeout(300)
class IntegrityTargetTest {
    private static final long SIZE = 8 << 20;
    private static final IntegrityFormat TYPE1 = IntegrityFormat.t10Type1();
    private static final int LONG = 2 << 20;

    @TempDir Path folder;

    private final Arena arena = Arena.ofShared();
    private final EmbeddedDriver driver = EmbeddedDriver.create();

    @AfterEach
    void close() {
        driver.close();
        arena.close();
    }

    private static Target inMemory(IntegrityFormat format) {
        return new IntegrityTarget(
                new MemoryTarget(SIZE), new MemoryTarget(format.metadataOf(SIZE)), format);
    }

    private void with(Target target, DeviceOptions options, Consumer<Disk> test) {
        try (Device device = Device.start(driver, target, options);
                Disk disk = driver.openBlock(device.id())) {
            assertThat(Feature.INTEGRITY.in(device.info().flags())).isTrue();
            test.accept(disk);
        }
    }

    private void with(Target target, Consumer<Disk> test) {
        with(target, DeviceOptions.defaults(), test);
    }

    private MemorySegment random(long bytes, int seed) {
        byte[] some = new byte[(int) bytes];
        new Random(seed).nextBytes(some);
        return arena.allocate(bytes, 4096).copyFrom(MemorySegment.ofArray(some));
    }

    private static long run(Disk disk, Consumer<DiskRequest> fill) {
        CompletableFuture<Long> result = new CompletableFuture<>();
        DiskRequest request = new DiskRequest((_, answer) -> result.complete(answer));
        fill.accept(request);
        disk.submit(request);
        return result.join();
    }

    private static long write(Disk disk, long at, MemorySegment data, MemorySegment metadata) {
        return run(disk, request -> request.write(at).add(data).metadata(metadata));
    }

    private static long read(Disk disk, long at, MemorySegment data, MemorySegment metadata) {
        return run(disk, request -> request.read(at).add(data).metadata(metadata));
    }

    private void assertKeeps(Disk disk, long at, int bytes) {
        long metadataBytes = disk.metadataBytes(bytes);
        MemorySegment data = random(bytes, 1);
        MemorySegment metadata = random(metadataBytes, 2);
        assertThat(write(disk, at, data, metadata)).isEqualTo(bytes);
        MemorySegment dataRead = arena.allocate(bytes, 4096);
        MemorySegment metadataRead = arena.allocate(metadataBytes);
        assertThat(read(disk, at, dataRead, metadataRead)).isEqualTo(bytes);
        assertThat(dataRead.mismatch(data)).isEqualTo(-1);
        assertThat(metadataRead.mismatch(metadata)).isEqualTo(-1);
    }

    /** {@return the metadata of a block of the disk} */
    private byte[] metadataAt(Disk disk, long at) {
        MemorySegment metadata = arena.allocate(disk.metadataBytes(512));
        assertThat(read(disk, at, arena.allocate(512, 512), metadata)).isEqualTo(512);
        return metadata.toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void metadataIsReadAsItWasWrittenHoweverTheRequestIsCut() {
        for (IntegrityFormat format :
                List.of(
                        TYPE1,
                        IntegrityFormat.ofSize(3),
                        TYPE1.withMetadataSize(64).withOffset(56),
                        IntegrityFormat.ofSize(16).withChecksum(Checksum.NVME))) {
            with(
                    inMemory(format),
                    disk -> {
                        assertKeeps(disk, 512, 512);
                        assertKeeps(disk, 4096 + 512, LONG);
                        assertKeeps(disk, 0, 64 << 10);
                    });
        }
    }

    @Test
    void oneReadSeesTheMetadataOfManyWrites() {
        with(
                inMemory(TYPE1),
                disk -> {
                    MemorySegment first = random(8, 3);
                    MemorySegment second = random(8, 4);
                    assertThat(write(disk, 0, random(512, 5), first)).isEqualTo(512);
                    assertThat(write(disk, 512, random(512, 6), second)).isEqualTo(512);
                    MemorySegment both = arena.allocate(16);
                    assertThat(read(disk, 0, arena.allocate(1024, 512), both)).isEqualTo(1024);
                    assertThat(both.asSlice(0, 8).mismatch(first)).isEqualTo(-1);
                    assertThat(both.asSlice(8).mismatch(second)).isEqualTo(-1);
                });
    }

    @Test
    void whatHasNeverBeenWrittenIsNotToBeChecked() {
        with(
                inMemory(TYPE1),
                disk -> assertThat(metadataAt(disk, 4096)).hasSize(8).containsOnly((byte) 0xff));
        with(
                inMemory(IntegrityFormat.ofSize(8)),
                disk -> assertThat(metadataAt(disk, 4096)).hasSize(8).containsOnly((byte) 0));
    }

    @Test
    void whatIsDiscardedOrZeroedOrWrittenWithoutMetadataIsNotToBeCheckedAnyMore() {
        with(
                inMemory(TYPE1),
                disk -> {
                    assertThat(write(disk, 0, random(64 << 10, 7), random(1024, 8)))
                            .isEqualTo(64 << 10);
                    assertThat(disk.discard(4096, 4096)).isEqualTo(4096);
                    assertThat(disk.writeZeroes(8192, 4096, true)).isEqualTo(4096);
                    assertThat(disk.write(random(4096, 9), 16384)).isEqualTo(4096);
                    for (long at : new long[] {4096, 8192 - 512, 8192, 16384, 16384 + 4096 - 512}) {
                        assertThat(metadataAt(disk, at)).containsOnly((byte) 0xff);
                    }
                    MemorySegment all = random(1024, 8);
                    for (long at : new long[] {4096 - 512, 12288, 16384 - 512, 16384 + 4096}) {
                        assertThat(metadataAt(disk, at))
                                .isEqualTo(
                                        all.asSlice(at / 512 * 8, 8)
                                                .toArray(ValueLayout.JAVA_BYTE));
                    }
                });
    }

    @Test
    void aReadWithoutMetadataIsAReadOfTheData() {
        with(
                inMemory(TYPE1),
                disk -> {
                    MemorySegment data = random(4096, 10);
                    assertThat(write(disk, 0, data, random(64, 11))).isEqualTo(4096);
                    MemorySegment found = arena.allocate(4096, 4096);
                    assertThat(disk.read(found, 0)).isEqualTo(4096);
                    assertThat(found.mismatch(data)).isEqualTo(-1);
                });
    }

    @Test
    void metadataThatIsNotEnoughOrComesWithNoDataIsInvalid() {
        with(
                inMemory(TYPE1),
                disk -> {
                    assertThat(write(disk, 0, random(1024, 1), random(15, 1)))
                            .isEqualTo(Errno.EINVAL.negated());
                    assertThat(
                                    run(
                                            disk,
                                            request ->
                                                    request.discard(0, 4096)
                                                            .metadata(random(64, 1))))
                            .isEqualTo(Errno.EINVAL.negated());
                });
        try (Device device =
                        Device.start(driver, new MemoryTarget(SIZE), DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            assertThat(disk.metadataBytes(4096)).isZero();
            assertThat(write(disk, 0, random(512, 1), random(8, 1)))
                    .isEqualTo(Errno.EINVAL.negated());
        }
    }

    @Test
    void batchesCarryItToo() {
        with(
                inMemory(TYPE1),
                DeviceOptions.defaults().with(new Mode(Mode.Data.USER_COPY, true)),
                disk -> assertKeeps(disk, 4096, LONG));
    }

    @Test
    void aFileKeepsItForTheNextServer() throws IOException {
        Path data = folder.resolve("disk.img");
        Path metadata = folder.resolve("metadata");
        for (Path file : List.of(data, metadata)) {
            try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
                made.setLength(SIZE);
            }
        }
        MemorySegment sent = random(64, 12);
        with(
                inFiles(data, metadata),
                disk -> {
                    assertThat(disk.hasVolatileCache()).isTrue();
                    assertThat(write(disk, 8192, random(4096, 13), sent)).isEqualTo(4096);
                    assertThat(disk.discard(0, 4096)).isEqualTo(4096);
                    assertThat(disk.flush()).isZero();
                });
        with(
                inFiles(data, metadata),
                disk -> {
                    MemorySegment found = arena.allocate(64);
                    assertThat(read(disk, 8192, arena.allocate(4096, 4096), found)).isEqualTo(4096);
                    assertThat(found.mismatch(sent)).isEqualTo(-1);
                });
        byte[] kept = Files.readAllBytes(metadata);
        assertThat(kept[8192 / 512 * 8]).isEqualTo((byte) ~sent.get(ValueLayout.JAVA_BYTE, 0));
        assertThat(kept[0]).isZero();
    }

    private static Target inFiles(Path data, Path metadata) {
        return new IntegrityTarget(
                new FileTarget(BackingFile.open(data, BackingFile.Caching.BUFFERED, false)),
                new FileTarget(BackingFile.open(metadata, BackingFile.Caching.BUFFERED, false)),
                TYPE1);
    }

    @Test
    void aTargetThatDropsAllHasNothingToCheck() {
        with(
                new IntegrityTarget(new NullTarget(SIZE), new NullTarget(SIZE), TYPE1),
                disk -> {
                    assertThat(write(disk, 0, random(4096, 1), random(64, 1))).isEqualTo(4096);
                    assertThat(metadataAt(disk, 0)).containsOnly((byte) 0xff);
                });
    }

    @Test
    void legsThatAreTooSmallOrCannotBeWrittenAreRefused() {
        assertThatThrownBy(() ->
                        new IntegrityTarget(
                                new MemoryTarget(SIZE), new MemoryTarget(SIZE / 128), TYPE1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("takes 131072 bytes, and its target has 65536");
        assertThatThrownBy(
                        () -> new IntegrityTarget(inMemory(TYPE1), new MemoryTarget(SIZE), TYPE1))
                .hasMessageContaining("leg 1 has integrity metadata");
    }

    @Test
    void layersThatWouldLoseMetadataRefuseIt() {
        assertThatThrownBy(() -> new Stripe(List.of(inMemory(TYPE1), inMemory(TYPE1)), 4096))
                .hasMessageContaining("stripe: leg 1 has integrity metadata");
        assertThatThrownBy(() -> new Concat(List.of(new MemoryTarget(SIZE), inMemory(TYPE1))))
                .hasMessageContaining("concat: leg 2 has integrity metadata");
        assertThatThrownBy(() -> new FaultInjector(inMemory(TYPE1)))
                .hasMessageContaining("fault: leg 1 has integrity metadata");
    }

    @Test
    void aModeThatBringsNoMetadataIsRefused() {
        assertThatThrownBy(() ->
                        Device.start(
                                driver,
                                inMemory(TYPE1),
                                DeviceOptions.defaults().with(new Mode(Mode.Data.GET_DATA, false))))
                .hasMessageContaining("integrity metadata is served in the mode user-copy");
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void aGeometryTakesNoIntervalsThatAreLargerThanItsBlocks() {
        Geometry geometry = Geometry.ofSize(SIZE);
        assertThatThrownBy(() -> geometry.withIntegrity(TYPE1.withInterval(4096)))
                .hasMessageContaining("more than the logical block size, 512: 4096");
        assertThat(geometry.withBlockSize(4096).withIntegrity(TYPE1.withInterval(4096)).integrity())
                .isNotNull();
    }

    @Test
    void whereTheMetadataCannotBeZeroedTheDataStaysAsItWas() {
        Target metadata =
                new FaultInjector(
                        new MemoryTarget(TYPE1.metadataOf(SIZE)),
                        DiskFault.error(Errno.EOPNOTSUPP).on(Operation.WRITE_ZEROES));
        with(
                new IntegrityTarget(new MemoryTarget(SIZE), metadata, TYPE1),
                disk -> {
                    MemorySegment data = random(4096, 1);
                    MemorySegment sent = random(64, 2);
                    assertThat(write(disk, 0, data, sent)).isEqualTo(4096);
                    long refused = Errno.EOPNOTSUPP.negated();
                    assertThat(disk.discard(0, 4096)).isEqualTo(refused);
                    assertThat(disk.writeZeroes(0, 4096, true)).isEqualTo(refused);
                    MemorySegment found = arena.allocate(4096, 4096);
                    MemorySegment kept = arena.allocate(64);
                    assertThat(read(disk, 0, found, kept)).isEqualTo(4096);
                    assertThat(found.mismatch(data)).isEqualTo(-1);
                    assertThat(kept.mismatch(sent)).isEqualTo(-1);
                });
    }
}
