package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.ZoneChange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.Zone;
import dev.ublk4j.server.Zone.Condition;
import dev.ublk4j.server.ZoneLimits;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileOptions;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class ZonedTargetTest {
    private static final int ZONE = 64 << 10;
    private static final int BLOCK = 4096;
    private static final int COUNT = 8;
    private static final long SIZE = (long) COUNT * ZONE;
    private static final long EIO = Errno.EIO.negated();

    @TempDir Path folder;

    private final Arena arena = Arena.ofShared();
    private final EmbeddedDriver driver = EmbeddedDriver.create();

    @AfterEach
    void close() {
        driver.close();
        arena.close();
    }

    private final class Served implements AutoCloseable {
        final Device device;
        final Disk disk;

        Served(Target target, DeviceOptions options) {
            device = Device.start(driver, target, options);
            disk = driver.openBlock(device.id());
        }

        /** {@return a zone as the driver reports it: its condition and how much is written} */
        String zone(int number) {
            MemorySegment one = arena.allocate(ZoneLayout.SIZE, 8);
            assertThat(disk.reportZones((long) number * ZONE, one)).isEqualTo(1);
            assertThat(ZoneLayout.start(one, 0) << 9).isEqualTo((long) number * ZONE);
            assertThat(ZoneLayout.len(one, 0) << 9).isEqualTo(ZONE);
            long written = (ZoneLayout.wp(one, 0) << 9) - (long) number * ZONE;
            int code = ZoneLayout.cond(one, 0);
            for (Condition each : Condition.values()) {
                if (each.code() == code) {
                    return each + " " + written;
                }
            }
            return "condition " + code;
        }

        long write(long at, MemorySegment data) {
            return disk.write(data, at);
        }

        @Override
        public void close() {
            disk.close();
            device.close();
        }
    }

    private Served serve(Target target) {
        return new Served(target, DeviceOptions.defaults());
    }

    private static ZoneTable inMemory(int conventional, int maxOpen, int maxActive) {
        return ZoneTable.inMemory(SIZE, new ZoneLimits(ZONE, maxOpen, maxActive), conventional);
    }

    private Served inMemory() {
        return serve(new ZonedTarget(new MemoryTarget(SIZE), inMemory(0, 0, 0)));
    }

    private ZoneTable inFile(Path file) throws IOException {
        return ZoneTable.inFile(file, SIZE, new ZoneLimits(ZONE, 0, 0), 0);
    }

    private MemorySegment random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        MemorySegment data = arena.allocate(length, BLOCK);
        data.copyFrom(MemorySegment.ofArray(bytes));
        return data;
    }

    private byte[] read(Served served, long at, int length) {
        MemorySegment data = arena.allocate(length, BLOCK);
        assertThat(served.disk.read(data, at)).isEqualTo(length);
        return data.toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] bytes(MemorySegment data) {
        return data.toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void aZoneIsWrittenFromItsBeginningToItsEndAndNowhereElse() {
        try (Served served = inMemory()) {
            MemorySegment data = random(1, 2 * BLOCK);
            assertThat(served.zone(2)).isEqualTo("EMPTY 0");
            assertThat(served.write(2 * ZONE + BLOCK, data)).isEqualTo(EIO);
            assertThat(served.write(2 * ZONE, data)).isEqualTo(2 * BLOCK);
            assertThat(served.zone(2)).isEqualTo("IMPLICITLY_OPEN 8192");
            assertThat(served.write(2 * ZONE, data)).isEqualTo(EIO);
            assertThat(served.write(2 * ZONE + 2 * BLOCK, random(2, ZONE - 2 * BLOCK)))
                    .isEqualTo(ZONE - 2 * BLOCK);
            assertThat(served.zone(2)).isEqualTo("FULL " + ZONE);
            assertThat(served.write(2 * ZONE, data)).isEqualTo(EIO);
            assertThat(read(served, 2 * ZONE, 2 * BLOCK)).isEqualTo(bytes(data));
        }
    }

    @Test
    void aWriteOverTheEndOfAZoneIsCutThere() {
        try (Served served = inMemory()) {
            assertThat(served.write(0, random(1, ZONE + BLOCK))).isEqualTo(ZONE + BLOCK);
            assertThat(served.zone(0)).isEqualTo("FULL " + ZONE);
            assertThat(served.zone(1)).isEqualTo("IMPLICITLY_OPEN " + BLOCK);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"user-copy", "user-copy,batch"})
    void anAppendSaysWhereItsDataIs(String mode) {
        Target target = new ZonedTarget(new MemoryTarget(SIZE), inMemory(0, 0, 0));
        DeviceOptions options = DeviceOptions.defaults().with(Mode.parse(mode));
        try (Served served = new Served(target, options)) {
            assertThat(served.write(3 * ZONE, random(1, BLOCK))).isEqualTo(BLOCK);
            MemorySegment data = random(2, 3 * BLOCK);
            assertThat(served.disk.append(data, 3 * ZONE)).isEqualTo(3 * ZONE + BLOCK);
            assertThat(served.disk.append(random(3, BLOCK), 3 * ZONE))
                    .isEqualTo(3 * ZONE + 4 * BLOCK);
            assertThat(read(served, 3 * ZONE + BLOCK, 3 * BLOCK)).isEqualTo(bytes(data));
            assertThat(served.disk.append(random(4, BLOCK), 3 * ZONE + BLOCK)).isEqualTo(EIO);
            assertThat(served.disk.append(random(4, ZONE), 3 * ZONE)).isEqualTo(EIO);
            assertThat(served.zone(3)).isEqualTo("IMPLICITLY_OPEN " + 5 * BLOCK);
        }
    }

    @Test
    void aZoneIsOpenedClosedFinishedAndReset() {
        try (Served served = inMemory()) {
            Disk disk = served.disk;
            assertThat(disk.changeZone(ZoneChange.OPEN, ZONE)).isZero();
            assertThat(served.zone(1)).isEqualTo("EXPLICITLY_OPEN 0");
            assertThat(disk.changeZone(ZoneChange.CLOSE, ZONE)).isZero();
            assertThat(served.zone(1)).isEqualTo("EMPTY 0");
            assertThat(served.write(ZONE, random(1, BLOCK))).isEqualTo(BLOCK);
            assertThat(disk.changeZone(ZoneChange.CLOSE, ZONE)).isZero();
            assertThat(served.zone(1)).isEqualTo("CLOSED " + BLOCK);
            assertThat(disk.changeZone(ZoneChange.FINISH, ZONE)).isZero();
            assertThat(served.zone(1)).isEqualTo("FULL " + ZONE);
            assertThat(disk.changeZone(ZoneChange.OPEN, ZONE)).isEqualTo(EIO);
            assertThat(disk.changeZone(ZoneChange.CLOSE, ZONE)).isEqualTo(EIO);
            assertThat(disk.changeZone(ZoneChange.RESET, ZONE)).isZero();
            assertThat(served.zone(1)).isEqualTo("EMPTY 0");
            assertThat(read(served, ZONE, BLOCK)).containsOnly(0);
            assertThat(disk.changeZone(ZoneChange.RESET, ZONE + BLOCK))
                    .isEqualTo(Errno.EINVAL.negated());
            assertThat(served.write(5 * ZONE, random(1, BLOCK))).isEqualTo(BLOCK);
            assertThat(disk.resetAllZones()).isZero();
            assertThat(served.zone(5)).isEqualTo("EMPTY 0");
        }
    }

    @Test
    void noMoreZonesAreOpenOrActiveThanMayBe() {
        try (Served served = serve(new ZonedTarget(new MemoryTarget(SIZE), inMemory(0, 2, 3)))) {
            Disk disk = served.disk;
            for (int zone = 0; zone < 3; zone++) {
                assertThat(served.write((long) zone * ZONE, random(1, BLOCK))).isEqualTo(BLOCK);
            }
            assertThat(served.zone(0)).isEqualTo("CLOSED " + BLOCK);
            assertThat(served.write(3 * ZONE, random(1, BLOCK)))
                    .isEqualTo(Errno.EOVERFLOW.negated());
            assertThat(disk.changeZone(ZoneChange.OPEN, 0)).isZero();
            assertThat(disk.changeZone(ZoneChange.OPEN, ZONE)).isZero();
            assertThat(served.zone(2)).isEqualTo("CLOSED " + BLOCK);
            assertThat(disk.changeZone(ZoneChange.OPEN, 2 * ZONE))
                    .isEqualTo(Errno.ETOOMANYREFS.negated());
            assertThat(served.write(2 * ZONE + BLOCK, random(1, BLOCK)))
                    .isEqualTo(Errno.ETOOMANYREFS.negated());
            assertThat(disk.changeZone(ZoneChange.FINISH, 0)).isZero();
            assertThat(served.write(3 * ZONE, random(1, BLOCK))).isEqualTo(BLOCK);
        }
    }

    @Test
    void aConventionalZoneIsWrittenAnywhere() {
        try (Served served = serve(new ZonedTarget(new MemoryTarget(SIZE), inMemory(2, 0, 0)))) {
            MemorySegment data = random(1, BLOCK);
            assertThat(served.write(ZONE + 3 * BLOCK, data)).isEqualTo(BLOCK);
            assertThat(read(served, ZONE + 3 * BLOCK, BLOCK)).isEqualTo(bytes(data));
            assertThat(served.zone(1)).startsWith("NO_WRITE_POINTER");
            assertThat(served.disk.changeZone(ZoneChange.RESET, ZONE)).isEqualTo(EIO);
            assertThat(served.disk.append(data, ZONE)).isEqualTo(EIO);
            assertThat(served.disk.resetAllZones()).isZero();
            assertThat(read(served, ZONE + 3 * BLOCK, BLOCK)).isEqualTo(bytes(data));
        }
    }

    @Test
    void aWriteThatFailsGivesItsPlaceBack() {
        FaultInjector disk = new FaultInjector(new MemoryTarget(SIZE));
        try (Served served = serve(new ZonedTarget(disk, inMemory(0, 1, 1)))) {
            assertThat(served.write(0, random(1, BLOCK))).isEqualTo(BLOCK);
            var _ = disk.inject(DiskFault.parse("error=ENOSPC,op=write,next=2"));
            assertThat(served.write(BLOCK, random(2, BLOCK))).isEqualTo(Errno.ENOSPC.negated());
            assertThat(served.zone(0)).isEqualTo("IMPLICITLY_OPEN " + BLOCK);
            assertThat(served.write(BLOCK, random(2, ZONE - BLOCK)))
                    .isEqualTo(Errno.ENOSPC.negated());
            assertThat(served.zone(0)).isEqualTo("CLOSED " + BLOCK);
            assertThat(served.write(ZONE, random(2, BLOCK))).isEqualTo(Errno.EOVERFLOW.negated());
            assertThat(served.write(BLOCK, random(2, ZONE - BLOCK))).isEqualTo(ZONE - BLOCK);
            assertThat(served.write(ZONE, random(2, BLOCK))).isEqualTo(BLOCK);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aResetIsDoneWhereTheDataCannotBeDiscarded(boolean isInFile) throws IOException {
        FaultInjector disk = new FaultInjector(new MemoryTarget(SIZE));
        var _ = disk.inject(DiskFault.parse("error=EOPNOTSUPP,op=discard"));
        ZoneTable table = isInFile ? inFile(folder.resolve("zones")) : inMemory(0, 0, 0);
        try (Served served = serve(new ZonedTarget(disk, table))) {
            MemorySegment data = random(1, BLOCK);
            assertThat(served.write(ZONE, data)).isEqualTo(BLOCK);
            assertThat(served.disk.changeZone(ZoneChange.RESET, ZONE)).isZero();
            assertThat(served.zone(1)).isEqualTo("EMPTY 0");
            assertThat(read(served, ZONE, BLOCK)).as("not looked at").isEqualTo(bytes(data));
            assertThat(served.write(ZONE, random(2, BLOCK))).isEqualTo(BLOCK);
            assertThat(served.disk.resetAllZones()).isZero();
            assertThat(served.zone(1)).isEqualTo("EMPTY 0");
        }
    }

    @Test
    void aResetWhoseDiscardFailsFails() {
        FaultInjector disk = new FaultInjector(new MemoryTarget(SIZE));
        var _ = disk.inject(DiskFault.parse("error=EIO,op=discard"));
        try (Served served = serve(new ZonedTarget(disk, inMemory(0, 0, 0)))) {
            assertThat(served.disk.changeZone(ZoneChange.RESET, 0)).isEqualTo(EIO);
            assertThat(served.disk.resetAllZones()).isEqualTo(EIO);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aResetOfAllZonesDiscardsAFewRangesAtATime(boolean isInFile) throws IOException {
        long size = 1L << 42;
        ZoneLimits limits = new ZoneLimits(1L << 34, 0, 0);
        ZoneTable table =
                isInFile
                        ? ZoneTable.inFile(folder.resolve("zones"), size, limits, 1)
                        : ZoneTable.inMemory(size, limits, 1);
        SlowDiscards disk = new SlowDiscards(size);
        try (Served served = serve(new ZonedTarget(disk, table))) {
            assertThat(served.disk.resetAllZones()).isZero();
            assertThat(served.disk.changeZone(ZoneChange.RESET, 1L << 34)).isZero();
        }
        assertThat(disk.discarded).isEqualTo(size);
        assertThat(disk.mostOut).isBetween(2, 16);
    }

    @Test
    void whatHasNoZonesDoesNotTakeTheirRequests() {
        try (Served served = serve(new MemoryTarget(SIZE))) {
            long unsupported = Errno.EOPNOTSUPP.negated();
            assertThat(served.disk.changeZone(ZoneChange.RESET, 0)).isEqualTo(unsupported);
            assertThat(served.disk.append(random(1, BLOCK), 0)).isEqualTo(unsupported);
            assertThat(served.disk.reportZones(0, arena.allocate(ZoneLayout.SIZE, 8)))
                    .isEqualTo(unsupported);
            assertThat(served.disk.zoneBytes()).isZero();
        }
    }

    private Path image() throws IOException {
        Path file = folder.resolve("disk.img");
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(SIZE);
        }
        return file;
    }

    private Target overFile(Path table) throws IOException {
        return new ZonedTarget(
                new FileTarget(
                        BackingFile.open(image(), FileOptions.of(BackingFile.Caching.BUFFERED))),
                inFile(table));
    }

    @Test
    void theNextServerFindsTheZonesAsTheyWere() throws IOException {
        Path table = folder.resolve("zones");
        MemorySegment data = random(1, 3 * BLOCK);
        try (Served served = serve(overFile(table))) {
            assertThat(served.write(0, data)).isEqualTo(3 * BLOCK);
            assertThat(served.write(ZONE, random(2, ZONE))).isEqualTo(ZONE);
            assertThat(served.disk.changeZone(ZoneChange.OPEN, 2 * ZONE)).isZero();
            assertThat(served.write(3 * ZONE, data)).isEqualTo(3 * BLOCK);
            assertThat(served.disk.changeZone(ZoneChange.FINISH, 3 * ZONE)).isZero();
        }
        try (Served served = serve(overFile(table))) {
            assertThat(served.zone(0)).isEqualTo("IMPLICITLY_OPEN " + 3 * BLOCK);
            assertThat(served.zone(1)).isEqualTo("FULL " + ZONE);
            assertThat(served.zone(2)).isEqualTo("EXPLICITLY_OPEN 0");
            assertThat(served.zone(3)).isEqualTo("FULL " + ZONE);
            assertThat(read(served, 0, 3 * BLOCK)).isEqualTo(bytes(data));
            assertThat(served.write(2 * BLOCK, data)).isEqualTo(EIO);
            assertThat(served.disk.resetAllZones()).isZero();
            assertThat(read(served, 0, 3 * BLOCK)).containsOnly(0);
        }
    }

    /** Makes the boot_id of a table another one. */
    private static void restartMachine(Path table) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(table.toFile(), "rw")) {
            file.seek(36);
            file.write("another".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        }
    }

    @Test
    void afterARestartOfTheMachineWhatWasFlushedCountsAndNoZoneIsOpen() throws IOException {
        Path table = folder.resolve("zones");
        Path left = folder.resolve("left");
        try (Served served = serve(overFile(table))) {
            assertThat(served.write(0, random(1, BLOCK))).isEqualTo(BLOCK);
            assertThat(served.write(ZONE, random(1, ZONE))).isEqualTo(ZONE);
            assertThat(served.disk.changeZone(ZoneChange.OPEN, 2 * ZONE)).isZero();
            assertThat(served.disk.flush()).isZero();
            assertThat(served.write(BLOCK, random(1, BLOCK))).isEqualTo(BLOCK);
            Files.copy(table, left);
        }
        restartMachine(left);
        try (ZoneTable zones = inFile(left)) {
            assertThat(zones.zone(0))
                    .isEqualTo(new Zone(0, ZONE, ZONE, false, Condition.CLOSED, BLOCK));
            assertThat(zones.zone(1).condition()).isEqualTo(Condition.FULL);
            assertThat(zones.zone(2).condition()).isEqualTo(Condition.EMPTY);
        }
    }

    @Test
    void aResetIsDurableBeforeItIsDone() throws IOException {
        Path table = folder.resolve("zones");
        Path left = folder.resolve("left");
        try (Served served = serve(overFile(table))) {
            assertThat(served.write(ZONE, random(1, BLOCK))).isEqualTo(BLOCK);
            assertThat(served.disk.flush()).isZero();
            assertThat(served.disk.changeZone(ZoneChange.RESET, ZONE)).isZero();
            Files.copy(table, left);
        }
        restartMachine(left);
        try (ZoneTable zones = inFile(left)) {
            assertThat(zones.zone(1).condition()).isEqualTo(Condition.EMPTY);
        }
    }

    @Test
    void aFlushThatFindsNoThreadFailsAndTheNextOneWritesWhatItHasNot() throws IOException {
        Path table = folder.resolve("zones");
        Path left = folder.resolve("left");
        Target target =
                new ZonedTarget(new MemoryTarget(SIZE), inFile(table), new NoThreadAtFirst());
        try (Served served = serve(target)) {
            assertThat(served.write(0, random(1, BLOCK))).isEqualTo(BLOCK);
            assertThat(served.disk.flush()).isEqualTo(Errno.ENOMEM.negated());
            assertThat(served.disk.flush()).isZero();
            Files.copy(table, left);
        }
        restartMachine(left);
        try (ZoneTable zones = inFile(left)) {
            assertThat(zones.zone(0))
                    .isEqualTo(new Zone(0, ZONE, ZONE, false, Condition.CLOSED, BLOCK));
        }
    }

    /** A driver sends again what it was not told of, and that once. */
    @Test
    void aWriteThatAKilledServerHasDoneAndNotToldOfIsTakenOnceMore() throws IOException {
        Path table = folder.resolve("zones");
        Path left = folder.resolve("left");
        try (ZoneTable zones = inFile(table)) {
            assertThat(zones.beginWrite(0, 0, BLOCK)).isZero();
            zones.endWrite(0, 0, BLOCK, true);
            assertThat(zones.beginWrite(0, BLOCK, BLOCK)).isEqualTo(BLOCK);
            zones.endWrite(0, BLOCK, BLOCK, true);
            // Has begun, and not ended.
            assertThat(zones.beginWrite(1, ZONE, BLOCK)).isEqualTo(ZONE);
            Files.copy(table, left);
            assertThat(zones.beginWrite(0, BLOCK, BLOCK)).isEqualTo(EIO);
        }
        try (ZoneTable zones = inFile(left)) {
            assertThat(zones.zone(0).writePointer()).isEqualTo(2 * BLOCK);
            assertThat(zones.beginWrite(0, 0, BLOCK)).isEqualTo(EIO);
            assertThat(zones.beginWrite(0, BLOCK, BLOCK)).isEqualTo(BLOCK);
            zones.endWrite(0, BLOCK, BLOCK, true);
            assertThat(zones.zone(0).writePointer()).isEqualTo(2 * BLOCK);
            assertThat(zones.beginWrite(0, BLOCK, BLOCK)).isEqualTo(EIO);
            assertThat(zones.beginWrite(1, ZONE, BLOCK)).isEqualTo(ZONE);
        }
        // Let go of in order: there is nothing that it did not tell of.
        try (ZoneTable zones = inFile(table)) {
            assertThat(zones.beginWrite(0, BLOCK, BLOCK)).isEqualTo(EIO);
        }
    }

    private static final int CAPACITY = ZONE - 4 * BLOCK;

    private static ZoneLimits withCapacity() {
        return new ZoneLimits(ZONE, CAPACITY, 0, 0);
    }

    @Test
    void aZoneIsFullAtItsCapacity() {
        ZoneTable table = ZoneTable.inMemory(SIZE, withCapacity(), 1);
        try (Served served = serve(new ZonedTarget(new MemoryTarget(SIZE), table))) {
            MemorySegment two = arena.allocate(2 * ZoneLayout.SIZE, 8);
            assertThat(served.disk.reportZones(0, two)).isEqualTo(2);
            assertThat(ZoneLayout.capacity(two, 0) << 9).as("written anywhere").isEqualTo(ZONE);
            assertThat(ZoneLayout.capacity(two, ZoneLayout.SIZE) << 9).isEqualTo(CAPACITY);
            assertThat(served.write(ZONE - BLOCK, random(1, BLOCK))).isEqualTo(BLOCK);
            assertThat(served.write(ZONE, random(1, CAPACITY + BLOCK))).isEqualTo(EIO);
            assertThat(served.write(ZONE, random(1, CAPACITY - BLOCK))).isEqualTo(CAPACITY - BLOCK);
            assertThat(served.write(ZONE + CAPACITY - BLOCK, random(1, 2 * BLOCK))).isEqualTo(EIO);
            assertThat(served.zone(1)).startsWith("IMPLICITLY_OPEN");
            assertThat(served.disk.append(random(1, BLOCK), ZONE))
                    .isEqualTo(ZONE + CAPACITY - BLOCK);
            assertThat(served.zone(1)).startsWith("FULL");
            assertThat(served.write(ZONE + CAPACITY, random(1, BLOCK))).isEqualTo(EIO);
            assertThat(served.disk.changeZone(ZoneChange.RESET, ZONE)).isZero();
            assertThat(served.write(ZONE, random(2, CAPACITY))).isEqualTo(CAPACITY);
            assertThat(served.zone(1)).startsWith("FULL");
        }
    }

    @Test
    void aZoneThatWasFullAtItsCapacityIsFoundSoInTheFile() throws IOException {
        Path file = folder.resolve("zones");
        try (ZoneTable table = ZoneTable.inFile(file, SIZE, withCapacity(), 0)) {
            assertThat(table.beginWrite(3, 3 * ZONE, CAPACITY)).isEqualTo(3 * ZONE);
            table.endWrite(3, 3 * ZONE, CAPACITY, true);
        }
        try (ZoneTable table = ZoneTable.inFile(file, SIZE, withCapacity(), 0)) {
            assertThat(table.zone(3).condition()).isEqualTo(Condition.FULL);
            assertThat(table.zone(3).capacity()).isEqualTo(CAPACITY);
        }
        assertThatThrownBy(() -> inFile(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("each written up to " + CAPACITY);
    }

    @Test
    void aTableThatTellsOfNoCapacityIsOfZonesThatAreWrittenToTheirEnds() throws IOException {
        Path file = folder.resolve("zones");
        inFile(file).close();
        try (RandomAccessFile table = new RandomAccessFile(file.toFile(), "rw")) {
            table.seek(72);
            table.write(new byte[8]);
        }
        inFile(file).close();
        assertThatThrownBy(() -> ZoneTable.inFile(file, SIZE, withCapacity(), 0))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aTableOfOtherZonesIsRefused() throws IOException {
        Path table = folder.resolve("zones");
        inFile(table).close();
        assertThatThrownBy(() -> ZoneTable.inFile(table, SIZE, new ZoneLimits(2 * ZONE, 0, 0), 0))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("8 zones of 65536 bytes");
        Files.writeString(table, "something else, of more than a page".repeat(200));
        assertThatThrownBy(() -> inFile(table))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not the table");
    }

    @Test
    void zonesAreServedInTheirModeAlone() {
        DeviceOptions asking = DeviceOptions.defaults().with(Mode.parse("get-data"));
        assertThatThrownBy(() ->
                        Device.start(
                                driver,
                                new ZonedTarget(new MemoryTarget(SIZE), inMemory(0, 0, 0)),
                                asking))
                .hasMessageContaining("user-copy");
        assertThatThrownBy(() ->
                        Device.start(
                                driver,
                                new MemoryTarget(SIZE),
                                DeviceOptions.defaults().with(Feature.ZONED)))
                .hasMessageContaining("ZONED");
    }

    @Test
    void zonesLieOverOtherLayersAndNotBelow() {
        assertThatThrownBy(() ->
                        new Concat(
                                java.util.List.of(
                                        new MemoryTarget(SIZE),
                                        new ZonedTarget(
                                                new MemoryTarget(SIZE), inMemory(0, 0, 0)))))
                .hasMessageContaining("leg 2 has zones");
    }

    @Test
    void writesOfSeveralQueuesToTheirOwnZonesDoNotDisturbEachOther()
            throws InterruptedException, ExecutionException {
        DeviceOptions options = DeviceOptions.defaults().withQueues(2);
        Target target = new ZonedTarget(new MemoryTarget(SIZE), inMemory(0, 3, 0));
        try (Served served = new Served(target, options)) {
            try (var threads = java.util.concurrent.Executors.newFixedThreadPool(4)) {
                var all = new java.util.ArrayList<java.util.concurrent.Future<?>>();
                for (int i = 0; i < 4; i++) {
                    int zone = i;
                    all.add(
                            threads.submit(() -> {
                                for (int at = 0; at < ZONE; at += BLOCK) {
                                    assertThat(
                                                    served.write(
                                                            (long) zone * ZONE + at,
                                                            random(zone, BLOCK)))
                                            .isEqualTo(BLOCK);
                                }
                            }));
                }
                for (var each : all) {
                    each.get();
                }
            }
            for (int zone = 0; zone < 4; zone++) {
                assertThat(served.zone(zone)).isEqualTo("FULL " + ZONE);
            }
        }
    }
}
