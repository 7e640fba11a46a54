package dev.ublk4j.trials;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaksTest {
    @TempDir Path folder;

    @Test
    void aFileThatStaysOpenIsNamed() throws Exception {
        Path path = folder.resolve("left-open");
        Leaks leaks = Leaks.watch();
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            assertThatThrownBy(leaks::close)
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("descriptor of " + path);
            assertThat(file.length()).isZero();
        }
        leaks.close();
    }

    @Test
    void aMappingThatStaysIsNamed() throws Exception {
        Path path = folder.resolve("mapped");
        Leaks leaks = Leaks.watch();
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(4096);
            MappedByteBuffer kept = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 4096);
            assertThatThrownBy(leaks::close).hasMessageContaining("mapping of " + path);
            kept.put(0, (byte) 1);
        }
    }

    @Test
    void aThreadOfADeviceThatStaysIsNamed() throws Exception {
        Leaks leaks = Leaks.watch();
        Thread thread =
                Thread.ofPlatform()
                        .name("ublk7-q0")
                        .start(() -> {
                            try {
                                Thread.sleep(60_000);
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
        assertThatThrownBy(leaks::close).hasMessageContaining("thread ublk7-q0");
        thread.interrupt();
        thread.join();
        leaks.close();
    }

    @Test
    void whatWasOpenBeforeIsNoLeak() throws Exception {
        Path path = folder.resolve("open-before");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            Leaks.watch().close();
            assertThat(file.length()).isZero();
        }
    }
}
