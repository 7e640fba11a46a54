package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile.Caching;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What targets say of the parts of them that hold nothing. */
class AllocationTest {
    private static final long SIZE = 8 << 20;
    private static final int PIECE = 64 << 10;

    @TempDir Path folder;

    private static String described(Target target, long offset, long length, int limit) {
        AllocationMap map = Objects.requireNonNull(target.ability(AllocationMap.class));
        Extents extents = new Extents(limit);
        map.describe(offset, length, extents);
        StringBuilder text = new StringBuilder();
        for (int run = 0; run < extents.count(); run++) {
            text.append(extents.isData(run) ? 'D' : 'H').append(extents.length(run)).append(' ');
        }
        return text.toString().strip();
    }

    private static void check(Target target) {
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device = Device.start(driver, target, DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id());
                Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(PIECE, 4096);
            data.fill((byte) 1);
            assertThat(described(target, 0, SIZE, 10)).isEqualTo("H" + SIZE);

            assertThat(disk.write(data, 1 << 20)).isEqualTo(PIECE);
            String written = "H%d D%d H%d".formatted(1 << 20, PIECE, SIZE - (1 << 20) - PIECE);
            assertThat(described(target, 0, SIZE, 10)).isEqualTo(written);
            assertThat(described(target, 0, SIZE, 2))
                    .isEqualTo(written.substring(0, written.lastIndexOf(' ')));
            assertThat(described(target, (1 << 20) + 512, 1024, 10)).isEqualTo("D1024");
            assertThat(described(target, (1 << 20) - 512, 1024, 10)).isEqualTo("H512 D512");

            assertThat(disk.discard(1 << 20, PIECE)).isEqualTo(PIECE);
            assertThat(described(target, 0, SIZE, 10)).isEqualTo("H" + SIZE);
        }
    }

    @Test
    void memoryThatWasNeverWrittenIsAHole() {
        check(new MemoryTarget(SIZE));
    }

    @Test
    void aFileHasTheHolesOfItsFileSystem() throws IOException {
        Path file = folder.resolve("disk");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
        }
        check(new FileTarget(BackingFile.open(file, Caching.BUFFERED, false)));
    }

    @Test
    void whatAFileNoLongerHasIsNoHole() throws IOException {
        Path file = folder.resolve("disk");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
            try (Target target = new FileTarget(BackingFile.open(file, Caching.BUFFERED, false))) {
                disk.setLength(1 << 20);
                assertThat(described(target, 0, SIZE, 10))
                        .isEqualTo("H%d D%d".formatted(1 << 20, SIZE - (1 << 20)));
                assertThat(described(target, 2 << 20, 4096, 10)).isEqualTo("D4096");
                disk.setLength((1 << 20) + 700);
                assertThat(described(target, 1 << 20, 2048, 10)).isEqualTo("H512 D1536");
                disk.setLength(0);
                assertThat(described(target, 0, SIZE, 10)).isEqualTo("D" + SIZE);
            }
        }
    }

    @Test
    void blocksThatHaveAnyDataAreData() throws IOException {
        Path file = folder.resolve("disk");
        FileOptions options = FileOptions.of(Caching.BUFFERED).withBlockSize(4096);
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
            disk.seek(1 << 20);
            disk.write(new byte[4096]);
            // Its holes begin in the middle of the device's blocks.
            FileOptions shifted = options.withPart(1024, SIZE - 4096);
            try (Target target = new FileTarget(BackingFile.open(file, shifted))) {
                int from = (1 << 20) - 4096;
                assertThat(described(target, 0, SIZE - 4096, 10))
                        .isEqualTo("H%d D8192 H%d".formatted(from, SIZE - 4096 - from - 8192));
                assertThat(described(target, from, 4096, 10)).isEqualTo("D4096");
                assertThat(described(target, from + 4096, 4096, 10)).isEqualTo("D4096");
            }
        }
    }

    @Test
    void aTargetThatKnowsNothingSaysNothing() {
        assertThat(new NullTarget(SIZE).ability(AllocationMap.class)).isNull();
    }
}
