package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Extents;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileTargetTest {
    private static final int PAGE = 4096;
    private static final int SIZE = 64 * PAGE;

    @TempDir Path folder;
    private final Arena arena = Arena.ofShared();
    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final MemorySegment data = Mapping.anonymous(4L * PAGE, Mapping.MAP_PRIVATE, arena);

    @AfterEach
    void close() {
        driver.close();
        arena.close();
    }

    private Path file(long bytes) throws Exception {
        Path file = folder.resolve("disk-" + bytes);
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(bytes);
        }
        return file;
    }

    private Device serve(Path file, BackingFile.Caching caching) {
        return Device.start(
                driver,
                new FileTarget(BackingFile.open(file, caching, false)),
                DeviceOptions.defaults().withDepth(8));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsWrittenIsInTheFile(BackingFile.Caching caching) throws Exception {
        Path file = file(SIZE);
        try (Device device = serve(file, caching);
                Disk disk = driver.openBlock(device.id())) {
            data.set(ValueLayout.JAVA_INT, 0, 0x04030201);
            assertThat(disk.write(data, 8 * PAGE)).isEqualTo(4 * PAGE);
            assertThat(disk.flush()).isZero();
            data.fill((byte) 0);
            assertThat(disk.read(data, 8 * PAGE)).isEqualTo(4 * PAGE);

            assertThat(data.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x04030201);
        }
        assertThat(Files.readAllBytes(file)).startsWith(0).hasSize(SIZE);
        assertThat(Files.readAllBytes(file)[8 * PAGE]).isEqualTo((byte) 1);
    }

    @Test
    void discardedAndZeroedSpaceReadsAsZeroes() throws Exception {
        try (Device device = serve(file(SIZE), BackingFile.Caching.DIRECT);
                Disk disk = driver.openBlock(device.id())) {
            data.fill((byte) 7);
            disk.write(data, 0);
            disk.write(data, 4 * PAGE);
            assertThat(disk.discard(0, 4 * PAGE)).isEqualTo(4 * PAGE);
            assertThat(disk.writeZeroes(4 * PAGE, 4 * PAGE, true)).isEqualTo(4 * PAGE);
            for (int half = 0; half < 2; half++) {
                disk.read(data, half * 4L * PAGE);
                assertThat(data.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
                data.fill((byte) 7);
            }
        }
    }

    @Test
    void aFileThatIsCutOffFailsTheRequestsBehindItsEndAndNoOthers() throws Exception {
        Path file = file(SIZE);
        try (Device device = serve(file, BackingFile.Caching.BUFFERED);
                Disk disk = driver.openBlock(device.id())) {
            try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
                cut.setLength(8 * PAGE);
            }

            assertThat(disk.read(data, 16 * PAGE)).isEqualTo(Errno.EIO.negated());
            assertThat(disk.read(data, 6 * PAGE)).isEqualTo(Errno.EIO.negated());
            assertThat(disk.read(data, 0)).isEqualTo(4 * PAGE);
        }
    }

    @Test
    void aFileGrowsWithItsDeviceAndNeverShrinks() throws Exception {
        Path file = file(SIZE);
        DeviceOptions options = DeviceOptions.defaults().withDepth(8).with(Feature.UPDATE_SIZE);
        FileTarget target =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        try (Device device = Device.start(driver, target, options);
                Disk disk = driver.openBlock(device.id())) {
            device.resize(2 * SIZE);
            assertThat(file).hasSize(2 * SIZE);
            assertThat(disk.write(data, SIZE + 4 * PAGE)).isEqualTo(4 * PAGE);
            device.resize(SIZE / 2);
            assertThat(file).hasSize(2 * SIZE);
            assertThat(disk.read(data, SIZE)).as("behind the end").isZero();
        }
    }

    @Test
    void aFileThatIsOnlyReadDoesNotGrow() throws Exception {
        try (BackingFile file = BackingFile.open(file(SIZE), BackingFile.Caching.BUFFERED, true)) {
            file.provide(SIZE);
            assertThatThrownBy(() -> file.provide(2 * SIZE))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("cannot grow");
        }
    }

    @Test
    void aFileThatAnotherServerHasIsRefused() throws Exception {
        Path file = file(SIZE);
        try (BackingFile first = BackingFile.open(file, BackingFile.Caching.BUFFERED, false)) {
            assertThatThrownBy(() -> BackingFile.open(file, BackingFile.Caching.BUFFERED, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("in use");
            assertThat(first.size()).isEqualTo(SIZE);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "4, 8, 4, 8",
        "4, 8, 0, 5",
        "4, 8, 11, 1",
        "4, 8, 5, 1",
        "4, 8, 0, 0",
        "4, 8, 11, 0",
        "4, 0, 0, 5",
        "4, 0, 12, 4",
        "0, 0, 4, 8"
    })
    void aPartOfAFileIsRefusedWhileAServerHasAnotherThatOverlaps(
            int firstAt, int firstPages, int at, int pages) throws Exception {
        Path file = file(SIZE);
        FileOptions options = FileOptions.of(BackingFile.Caching.BUFFERED);
        FileOptions first = options.withPart((long) firstAt * PAGE, (long) firstPages * PAGE);
        FileOptions overlapping = options.withPart((long) at * PAGE, (long) pages * PAGE);
        try (BackingFile served = BackingFile.open(file, first)) {
            assertThatThrownBy(() -> BackingFile.open(file, overlapping))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("in use");
            assertThat(served.size()).isPositive();
        }
        BackingFile.open(file, overlapping).close();
    }

    @Test
    void aPartThatIsReadIsRefusedWhileItIsWrittenAndReadByTwo() throws Exception {
        Path file = file(SIZE);
        FileOptions written = FileOptions.of(BackingFile.Caching.BUFFERED).withPart(0, 4 * PAGE);
        FileOptions read = written.withReadOnly(true).withPart(2 * PAGE, 4 * PAGE);
        try (BackingFile first = BackingFile.open(file, written)) {
            assertThatThrownBy(() -> BackingFile.open(file, read))
                    .isInstanceOf(UnfitFileException.class);
            assertThat(first.size()).isEqualTo(4 * PAGE);
        }
        try (BackingFile first = BackingFile.open(file, read);
                BackingFile second = BackingFile.open(file, written.withReadOnly(true))) {
            assertThat(first.size()).isEqualTo(second.size());
        }
    }

    @Test
    void aFileIsFreeAsSoonAsItIsClosedThoughARingHasItOpenStill() throws Exception {
        Path file = file(SIZE);
        try (Ring ring = Ring.open(RingOptions.defaults())) {
            try (BackingFile first = BackingFile.open(file, BackingFile.Caching.BUFFERED, false)) {
                ring.registerFiles(new int[] {first.fd().number()});
            }
            try (BackingFile next = BackingFile.open(file, BackingFile.Caching.BUFFERED, false)) {
                assertThat(next.size()).isEqualTo(SIZE);
            }
        }
    }

    @Test
    void aFileThatIoWasLeftToStaysLockedUntilTheKernelLetsGo() throws Exception {
        Path file = file(SIZE);
        try (Ring ring = Ring.open(RingOptions.defaults())) {
            BackingFile first = BackingFile.open(file, BackingFile.Caching.BUFFERED, false);
            ring.registerFiles(new int[] {first.fd().number()});
            first.leaveToIo();
            first.close();
            assertThatThrownBy(() -> BackingFile.open(file, BackingFile.Caching.BUFFERED, false))
                    .isInstanceOf(UnfitFileException.class)
                    .hasMessageContaining("in use");
        }
        BackingFile.open(file, BackingFile.Caching.BUFFERED, false).close();
    }

    @Test
    void aFileWithoutALockIsServedThoughAnotherServerHasIt() throws Exception {
        Path file = file(SIZE);
        FileOptions unlocked = FileOptions.of(BackingFile.Caching.BUFFERED).withLock(false);
        try (BackingFile first = BackingFile.open(file, BackingFile.Caching.BUFFERED, false);
                BackingFile second = BackingFile.open(file, unlocked)) {
            assertThat(second.size()).isEqualTo(first.size());
        }
    }

    private static FileStatus withDirectAlignment(Fd fd, int alignment) {
        FileStatus real = FileStatus.of(fd);
        return new FileStatus(
                real.mode(), real.size(), real.device(), real.inode(), true, alignment, alignment);
    }

    @Test
    void aFileOnADiskOfLargeSectorsKeepsItsSmallBlocks() throws Exception {
        Path path = file(SIZE + 512);
        FileOptions options = FileOptions.of(BackingFile.Caching.DIRECT);
        try (BackingFile file =
                BackingFile.open(path, options, fd -> withDirectAlignment(fd, 4096))) {
            assertThat(file.blockSize()).isEqualTo(512);
            assertThat(file.isDirect()).isFalse();
            assertThat(file.memoryAlignment()).isEqualTo(1);
            assertThat(new FileTarget(file).geometry().physicalBlockSize()).isEqualTo(4096);
        }
        Path even = file(SIZE);
        try (BackingFile file =
                BackingFile.open(
                        even, options.withBlockSize(4096), fd -> withDirectAlignment(fd, 4096))) {
            assertThat(file.blockSize()).isEqualTo(4096);
            assertThat(file.isDirect()).isTrue();
        }
        try (BackingFile file =
                BackingFile.open(
                        even,
                        options.withBlockSize(4096).withPart(512, 4096),
                        fd -> withDirectAlignment(fd, 4096))) {
            assertThat(file.isDirect()).as("a part that is not aligned").isFalse();
        }
        try (BackingFile file = BackingFile.open(even, options, fd -> withDirectAlignment(fd, 0))) {
            assertThat(file.isDirect()).as("no direct I/O at all").isFalse();
            assertThat(file.blockSize()).isEqualTo(512);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPartOfAFileIsADeviceOfItsOwn(BackingFile.Caching caching) throws Exception {
        Path path = file(SIZE);
        byte[] before = new byte[SIZE];
        Arrays.fill(before, (byte) 9);
        Files.write(path, before);
        FileOptions options = FileOptions.of(caching);
        DeviceOptions resizable = DeviceOptions.defaults().withDepth(8).with(Feature.UPDATE_SIZE);
        FileTarget part =
                new FileTarget(BackingFile.open(path, options.withPart(4 * PAGE, 16 * PAGE)));
        assertThat(part.geometry().size()).isEqualTo(16 * PAGE);
        try (Device device = Device.start(driver, part, resizable);
                Disk disk = driver.openBlock(device.id());
                BackingFile beside = BackingFile.open(path, options.withPart(0, 4 * PAGE));
                BackingFile rest = BackingFile.open(path, options.withPart(20 * PAGE, 0))) {
            assertThat(beside.size()).isEqualTo(4 * PAGE);
            assertThat(rest.size()).isEqualTo(SIZE - 20 * PAGE);
            data.fill((byte) 1);
            assertThat(disk.write(data, 12 * PAGE)).isEqualTo(4 * PAGE);
            assertThat(disk.write(data, 16 * PAGE)).isNotPositive();
            assertThat(disk.discard(0, 4 * PAGE)).isEqualTo(4 * PAGE);
            assertThat(disk.read(data, 4 * PAGE)).isEqualTo(4 * PAGE);
            assertThat(data.toArray(ValueLayout.JAVA_BYTE)).containsOnly(9);
            assertThat(disk.flush()).isZero();
            Extents extents = new Extents(10);
            part.describe(0, 16 * PAGE, extents);
            assertThat(extents.count()).isEqualTo(2);
            assertThat(extents.isData(0)).isFalse();
            assertThat(extents.length(0)).isEqualTo(4 * PAGE);
            assertThatThrownBy(() -> device.resize(20 * PAGE))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("65536 bytes");
            device.resize(8 * PAGE);
        }
        byte[] after = before.clone();
        Arrays.fill(after, 4 * PAGE, 8 * PAGE, (byte) 0);
        Arrays.fill(after, 16 * PAGE, 20 * PAGE, (byte) 1);
        assertThat(Files.readAllBytes(path)).isEqualTo(after);
    }

    @Test
    void theLastPartOfAFileGrowsWithItsDevice() throws Exception {
        Path path = file(SIZE);
        FileOptions options = FileOptions.of(BackingFile.Caching.BUFFERED).withPart(PAGE, 0);
        try (BackingFile file = BackingFile.open(path, options)) {
            file.provide(SIZE);
            assertThat(path).hasSize(SIZE + PAGE);
        }
    }

    @Test
    void partsThatTheFileDoesNotHaveAreRefused() throws Exception {
        Path path = file(SIZE);
        FileOptions options = FileOptions.of(BackingFile.Caching.BUFFERED);
        assertThatThrownBy(() -> BackingFile.open(path, options.withPart(SIZE, 0)))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("begins at " + SIZE);
        assertThatThrownBy(() -> BackingFile.open(path, options.withPart(PAGE, SIZE)))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("the part has " + SIZE);
        assertThatThrownBy(() -> BackingFile.open(path, options.withPart(PAGE, Long.MAX_VALUE)))
                .isInstanceOf(UnfitFileException.class);
        assertThatThrownBy(() -> BackingFile.open(path, options.withPart(0, 1000)))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("not a multiple");
        assertThatThrownBy(() -> options.withPart(100, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> options.withPart(-512, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> options.withBlockSize(1000))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void filesThatCannotHoldADeviceAreRefusedByName() throws Exception {
        Path odd = file(1000);
        assertThatThrownBy(() -> BackingFile.open(odd, BackingFile.Caching.BUFFERED, false))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("disk-1000")
                .hasMessageContaining("1000 bytes");
        Path empty = file(0);
        assertThatThrownBy(() -> BackingFile.open(empty, BackingFile.Caching.BUFFERED, false))
                .isInstanceOf(UnfitFileException.class)
                .hasMessageContaining("is empty");
        assertThatThrownBy(() -> BackingFile.open(folder, BackingFile.Caching.BUFFERED, true))
                .isInstanceOf(UnfitFileException.class);
        assertThatThrownBy(() ->
                        BackingFile.open(folder.resolve("none"), BackingFile.Caching.DIRECT, false))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void whatIsNoFileIsRefusedBeforeItIsOpened(boolean readOnly) throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        for (Path path : new Path[] {pipe, Path.of("/dev/null")}) {
            for (BackingFile.Caching caching : BackingFile.Caching.values()) {
                assertThatThrownBy(() -> BackingFile.open(path, caching, readOnly))
                        .isInstanceOf(UnfitFileException.class)
                        .hasMessage(path + " is neither a regular file nor a block device");
            }
        }
    }
}
