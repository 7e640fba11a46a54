package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A disk that is being stopped")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class StoppingDiskTest {
    private static final Duration SHORT = Duration.ofMillis(1);

    @TempDir Path folder;

    private Path statistics(long reads, long writes, long flushes) throws IOException {
        return Files.writeString(
                folder.resolve("stat"),
                "  %d 0 8 1 %d 0 8 1 0 2 2 0 0 0 0 %d 1%n".formatted(reads, writes, flushes));
    }

    @Test
    void isWaitedForAsLongAsItWrites() throws Exception {
        StoppingDisk disk = new StoppingDisk(statistics(1, 1, 0), Duration.ofMinutes(4));
        Path _ = statistics(1, 2, 0);
        CompletableFuture<Integer> outcome = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> outcome.complete(0));

        assertThat(disk.await(outcome)).isTrue();
    }

    @Test
    void isNotWaitedForAnyLongerThatOnlyReads() throws Exception {
        StoppingDisk disk = new StoppingDisk(statistics(1, 1, 0), SHORT);
        Path _ = statistics(9, 1, 0);

        assertThat(disk.await(new CompletableFuture<>())).isFalse();
    }

    @Test
    void isNotWaitedForAnyLongerThatHasStoppedToWrite() throws Exception {
        StoppingDisk disk = new StoppingDisk(statistics(1, 1, 0), SHORT);
        Path _ = statistics(1, 1, 1);

        assertThat(disk.await(new CompletableFuture<>())).isFalse();
    }

    @Test
    void hasGotOnWhenItIsGone() throws Exception {
        StoppingDisk disk = new StoppingDisk(statistics(1, 1, 0), Duration.ofMinutes(4));
        Files.delete(folder.resolve("stat"));

        assertThat(disk.await(CompletableFuture.failedFuture(new IOException()))).isTrue();
    }

    @Test
    void thatWasNeverThereDoesNotGetOn() {
        StoppingDisk disk = new StoppingDisk(folder.resolve("none"), SHORT);

        assertThat(disk.await(CompletableFuture.completedFuture(0))).isFalse();
    }
}
