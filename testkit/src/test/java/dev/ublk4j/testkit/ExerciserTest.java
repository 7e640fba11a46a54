package dev.ublk4j.testkit;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Request;
import dev.ublk4j.trials.Leaks;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExerciserTest {
    @TempDir Path folder;
    private Path path;

    @BeforeEach
    void file() throws Exception {
        path = folder.resolve("disk");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(RingDisk.SIZE);
        }
    }

    @Test
    void aRightDiskInMemoryPasses() {
        try (Leaks _ = Leaks.watch()) {
            Exerciser.of(RamDisk::new).withRounds(5).run();
        }
    }

    @Test
    void aRightDiskInAFilePassesWhateverItsIoDoes() {
        try (Leaks _ = Leaks.watch()) {
            Exerciser.of(() -> new RingDisk(path))
                    .withRounds(5)
                    .withRestarts()
                    .withShortAndShuffledIo()
                    .withFailingIo()
                    .run();
        }
    }

    private static void finds(Exerciser exerciser, String inTheSequence, String cause) {
        assertThatThrownBy(exerciser::run)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("seed=")
                .hasMessageContaining(inTheSequence)
                .cause()
                .hasMessageContaining(cause);
    }

    @Test
    void aWriteThatLosesItsLastSectorIsFound() {
        Supplier<RamDisk> careless =
                () ->
                        new RamDisk() {
                            @Override
                            public int write(Request request) {
                                long bytes = request.length() - 512;
                                if (bytes > 0) {
                                    disk.asSlice(request.offset(), bytes)
                                            .copyFrom(request.data().asSlice(0, bytes));
                                }
                                return (int) request.length();
                            }
                        };
        finds(Exerciser.of(careless), "write", "should be");
    }

    @Test
    void aDiscardThatReachesTooFarIsFound() {
        Supplier<RamDisk> careless =
                () ->
                        new RamDisk() {
                            @Override
                            public int discard(Request request) {
                                long end = request.offset() + request.length();
                                long rounded = Math.min((end + 8191) / 8192 * 8192, SIZE);
                                disk.asSlice(request.offset(), rounded - request.offset())
                                        .fill((byte) 0);
                                return 0;
                            }
                        };
        finds(Exerciser.of(careless), "discard", "reads as 0");
    }

    @Test
    void aShortReadThatIsTakenForAWholeOneIsFound() {
        Supplier<RingDisk> careless =
                () ->
                        new RingDisk(path) {
                            @Override
                            int moved(Request request, int bytes) {
                                return (int) request.length();
                            }
                        };
        assertThatCode(() -> Exerciser.of(careless).withRounds(3).run()).doesNotThrowAnyException();
        finds(Exerciser.of(careless).withShortAndShuffledIo(), "shorten", "should be");
    }

    @Test
    void anErrorThatNothingCausedIsFound() {
        int[] reads = {0};
        Supplier<RamDisk> careless =
                () ->
                        new RamDisk() {
                            @Override
                            public int read(Request request) {
                                return ++reads[0] % 50 == 0
                                        ? Errno.EIO.negated()
                                        : super.read(request);
                            }
                        };
        finds(Exerciser.of(careless), "ops=", "EIO");
    }

    @Test
    void aDiskThatForgetsIsFoundByARestart() {
        finds(Exerciser.of(RamDisk::new).withRestarts(), "restart", "should be");
    }
}
