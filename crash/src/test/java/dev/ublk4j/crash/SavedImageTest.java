package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("An image of a failure")
class SavedImageTest {
    private static final long SIZE = 1 << 20;

    @TempDir private Path folder;

    @AfterEach
    void forgetTheFolder() {
        System.clearProperty(SavedImage.FOLDER_PROPERTY);
    }

    private static void ones(int sector, byte[] into, int at) {
        Arrays.fill(into, at, at + DiskModel.SECTOR, (byte) 1);
    }

    /** As a file system that is full does it: the first parts are there already. */
    private static void fullHalfway(int sector, byte[] into, int at) {
        if (sector > SIZE / DiskModel.SECTOR / 2) {
            throw new UncheckedIOException(new IOException("No space left on device"));
        }
        ones(sector, into, at);
    }

    @Test
    void thatIsSavedIsAloneInItsFolder() throws IOException {
        Path images = folder.resolve("images");
        System.setProperty(SavedImage.FOLDER_PROPERTY, images.toString());
        SavedImage saved = SavedImage.save(SavedImageTest::ones, SIZE, 1);
        assertThat(images).isDirectoryContaining(file -> file.equals(saved.file()));
        try (Stream<Path> all = Files.list(images)) {
            assertThat(all).hasSize(1);
        }
        assertThat(saved.file()).hasSize(SIZE);
    }

    @Test
    void thatCannotBeSavedWholeLeavesNoFileAndSaysWhere() {
        System.setProperty(SavedImage.FOLDER_PROPERTY, folder.toString());
        SavedImage saved = SavedImage.save(SavedImageTest::fullHalfway, SIZE, 1);
        assertThat(saved.file()).isNull();
        assertThat(folder).isEmptyDirectory();
        assertThat(saved)
                .asString()
                .startsWith("the image could not be saved in " + folder)
                .contains("No space left on device");
    }

    @Test
    void thatCannotBeSavedLeavesTheOneThatWasThereBefore() {
        System.setProperty(SavedImage.FOLDER_PROPERTY, folder.toString());
        SavedImage before = SavedImage.save(SavedImageTest::ones, SIZE, 1);
        SavedImage.save(SavedImageTest::fullHalfway, SIZE, 1);
        assertThat(before.file()).hasSize(SIZE);
    }

    @Test
    void thatCannotBeSavedLeavesNoFolderOfItsOwn() {
        SavedImage saved = SavedImage.save(SavedImageTest::fullHalfway, SIZE, 1);
        assertThat(saved.folder()).doesNotExist();
    }

    /** A test that is over its time is interrupted, and has found what it has found. */
    @Test
    void isSavedWhereTheTestIsInterruptedWhileSmallerLossesAreTried() {
        System.setProperty(SavedImage.FOLDER_PROPERTY, folder.toString());
        Thread test = Thread.currentThread();
        AtomicReference<CrashFailure> failure = new AtomicReference<>();
        try (CrashLab lab = CrashLab.create(CrashOptions.defaults().withSize(8192))) {
            lab.record(disk -> {
                disk.write(0, new byte[] {});
                byte[] block = new byte[4096];
                Arrays.fill(block, (byte) 1);
                disk.write(0, block);
            });
            int[] checks = {0};
            lab.eachCrash(_ -> {
                if (++checks[0] > 1) {
                    test.interrupt();
                    Thread.sleep(Long.MAX_VALUE);
                }
                throw new IllegalStateException("found");
            });
        } catch (CrashFailure e) {
            failure.set(e);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        assertThat(Thread.interrupted()).isTrue();
        assertThat(failure.get())
                .hasMessageContaining(
                        "fails after a power cut: java.lang.IllegalStateException: found")
                .hasMessageContaining("interrupted before smaller losses were tried");
        assertThat(failure.get().image().orElseThrow()).hasSize(8192);
    }
}
