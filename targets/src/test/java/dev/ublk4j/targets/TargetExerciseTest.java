package dev.ublk4j.targets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.Target;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random requests to every target, compared with a model; the seed is printed on a failure. */
class TargetExerciseTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path folder;
    private Path file;
    private final Leaks leaks = Leaks.watch();

    @BeforeEach
    void file() throws Exception {
        file = folder.resolve("disk");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
        }
    }

    @AfterEach
    void nothingIsLeftOpen() {
        leaks.close();
    }

    private Supplier<Target> files(BackingFile.Caching caching) {
        return () -> new FileTarget(BackingFile.open(file, caching, false));
    }

    @Test
    void memoryKeepsItsData() {
        Exerciser.of(() -> new MemoryTarget(SIZE)).run();
    }

    @Test
    void memoryKeepsItsDataWithTwoQueues() {
        Exerciser.of(() -> new MemoryTarget(SIZE))
                .withOptions(TestBed.options().withQueues(2).withDepth(2).withMaxIo(8192))
                .run();
    }

    @Test
    void nothingAnswersEverything() {
        Exerciser.of(() -> new NullTarget(SIZE)).withoutData().withRounds(5).run();
    }

    @ParameterizedTest
    @EnumSource
    void aFileKeepsItsData(BackingFile.Caching caching) {
        Exerciser.of(files(caching)).withRestarts().run();
    }

    @ParameterizedTest
    @EnumSource
    void aFileHidesShortAndShuffledIo(BackingFile.Caching caching) {
        Exerciser.of(files(caching)).withRestarts().withShortAndShuffledIo().run();
    }

    @ParameterizedTest
    @EnumSource
    void aFileThatFailsLosesNothingElse(BackingFile.Caching caching) {
        Exerciser.of(files(caching)).withShortAndShuffledIo().withFailingIo().run();
        assertThat(file).hasSize(SIZE);
    }
}
