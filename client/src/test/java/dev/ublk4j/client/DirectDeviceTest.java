package dev.ublk4j.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.BitSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectDeviceTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 32;

    @TempDir Path folder;
    private Path file;

    @BeforeEach
    void makeFile() throws Exception {
        file = folder.resolve("disk");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength((long) PAGES * PAGE);
        }
    }

    @Test
    void whatIsWrittenIsReadBack() {
        try (Arena arena = Arena.ofConfined();
                DirectDevice device = DirectDevice.open(file, 8)) {
            MemorySegment memory =
                    Mapping.anonymous((long) PAGES * PAGE, Mapping.MAP_PRIVATE, arena);
            BitSet ended = new BitSet();
            for (int page = 0; page < PAGES; page++) {
                memory.set(ValueLayout.JAVA_INT, (long) page * PAGE, page + 1);
                device.write(memory.address() + (long) page * PAGE, PAGE, (long) page * PAGE, page);
                if (page % 8 == 7) {
                    runAll(device, ended, 8);
                }
            }
            assertThat(ended.cardinality()).isEqualTo(PAGES);
            device.flush(99);
            runAll(device, ended, 1);
            memory.fill((byte) 0);
            device.read(memory.address(), 4 * PAGE, 8L * PAGE, 100);
            runAll(device, ended, 1);

            assertThat(memory.get(ValueLayout.JAVA_INT, 0)).isEqualTo(9);
            assertThat(memory.get(ValueLayout.JAVA_INT, 3 * PAGE)).isEqualTo(12);
        }
    }

    private static void runAll(DirectDevice device, BitSet ended, int count) {
        int left = count;
        while (left > 0) {
            left -=
                    device.run(
                            1,
                            (userData, result, flags) -> {
                                assertThat(result).isNotNegative();
                                ended.set((int) userData);
                            });
        }
    }

    @Test
    void aMissingDeviceIsNamed() {
        assertThatThrownBy(() -> DirectDevice.open(folder.resolve("none"), 1))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
                .hasMessageContaining("none");
    }

    @Test
    void theSizeOfAFileIsItsLength() {
        try (DirectDevice device = DirectDevice.open(file, 1)) {
            assertThat(device.size()).isEqualTo((long) PAGES * PAGE);
        }
    }
}
