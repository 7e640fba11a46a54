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
        AllocationMap map = Objects.requireNonNull(target.allocation());
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
    void aTargetThatKnowsNothingSaysNothing() {
        assertThat(new NullTarget(SIZE).allocation()).isNull();
    }
}
