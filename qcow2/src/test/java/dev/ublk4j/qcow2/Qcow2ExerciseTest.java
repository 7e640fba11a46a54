package dev.ublk4j.qcow2;

import static dev.ublk4j.targets.BackingFile.Caching.BUFFERED;
import static dev.ublk4j.targets.BackingFile.Caching.DIRECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.testkit.Exerciser;
import dev.ublk4j.testkit.TestBed;
import dev.ublk4j.trials.Leaks;
import dev.ublk4j.uapi.Feature;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Random requests to images of every kind, compared with a model, and with what QEMU says. */
class Qcow2ExerciseTest {
    private static final int SIZE = 3 << 20;

    @TempDir Path folder;

    @BeforeAll
    static void tools() {
        QemuImg.require();
    }

    private Qcow2Target open(Path image, Caching caching) {
        return Qcow2Target.open(image, Qcow2Options.of(caching));
    }

    private Path raw(int seed, int size) throws Exception {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return Files.write(folder.resolve("base.img"), bytes);
    }

    private void exercise(Path image, Caching caching) {
        try (Leaks _ = Leaks.watch()) {
            Exerciser.of(() -> open(image, caching)).withRounds(3).withRestarts().run();
        }
        QemuImg.check(image);
    }

    @ParameterizedTest
    @CsvSource({
        "3, 512, 16",
        "3, 4096, 1",
        "3, 65536, 16",
        "3, 65536, 64",
        "3, 2097152, 8",
        "2, 512, 16",
        "2, 65536, 16",
        "3, 1024, 2",
        "3, 8192, 32",
        "3, 512, 64"
    })
    void anImageOfQemusIsADisk(int version, int cluster, int refcountBits) {
        Path image = folder.resolve("disk.qcow2");
        String options =
                "compat=%s,cluster_size=%d%s"
                        .formatted(
                                version == 2 ? "0.10" : "1.1",
                                cluster,
                                version == 2 ? "" : ",refcount_bits=" + refcountBits);
        QemuImg.run(folder, "create", "-f", "qcow2", "-o", options, image, SIZE);
        exercise(image, DIRECT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"metadata", "falloc", "full"})
    void aPreallocatedImageIsADisk(String preallocation) {
        Path image = folder.resolve("disk.qcow2");
        String options = "preallocation=" + preallocation;
        QemuImg.run(folder, "create", "-f", "qcow2", "-o", options, image, SIZE);
        exercise(image, DIRECT);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 65536, 2 << 20})
    void anImageThatWasMadeHereIsADisk(int cluster) {
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE + 512, cluster, null, null).create(image);
        QemuImg.check(image);
        exercise(image, BUFFERED);
    }

    @ParameterizedTest
    @CsvSource({"1.1, 65536", "1.1, 4096", "0.10, 4096", "1.1, 512"})
    void anImageOverOthersIsADiskAndLeavesThemAlone(String compat, int cluster) throws Exception {
        Path raw = raw(1, 2 << 20);
        Path middle = folder.resolve("middle.qcow2");
        Path image = folder.resolve("disk.qcow2");
        QemuImg.run(
                folder, "create", "-f", "qcow2", "-F", "raw", "-b", "base.img", middle, "2560K");
        QemuImg.io(middle, "write -P 7 100k 300k", "write -z 1M 128k");
        byte[] before = Files.readAllBytes(raw);
        byte[] beforeMiddle = Files.readAllBytes(middle);
        String options = "compat=%s,cluster_size=%d".formatted(compat, cluster);
        QemuImg.run(
                folder,
                "create",
                "-f",
                "qcow2",
                "-o",
                options,
                "-F",
                "qcow2",
                "-b",
                "middle.qcow2",
                image,
                SIZE);
        exercise(image, DIRECT);
        assertThat(raw).hasBinaryContent(before);
        assertThat(middle).hasBinaryContent(beforeMiddle);
    }

    @Test
    void aCompressedImageIsADisk() throws Exception {
        Path image = folder.resolve("disk.qcow2");
        QemuImg.run(folder, "convert", "-c", "-f", "raw", "-O", "qcow2", raw(2, SIZE), image);
        exercise(image, DIRECT);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 65536})
    void anImageWithSnapshotsIsADiskAndTheyStay(int cluster) throws Exception {
        Path image = folder.resolve("disk.qcow2");
        QemuImg.run(
                folder,
                "convert",
                "-f",
                "raw",
                "-O",
                "qcow2",
                "-o",
                "cluster_size=" + cluster,
                raw(3, SIZE),
                image);
        QemuImg.run(folder, "snapshot", "-c", "first", image);
        Path copy = folder.resolve("first.img");
        QemuImg.run(folder, "convert", "-l", "first", "-O", "raw", image, copy);
        exercise(image, DIRECT);
        Path after = folder.resolve("after.img");
        QemuImg.run(folder, "convert", "-l", "first", "-O", "raw", image, after);
        assertThat(after).hasSameBinaryContentAs(copy);
    }

    @Test
    void shortAndShuffledIoIsHidden() {
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE, 4096, null, null).create(image);
        Exerciser.of(() -> open(image, DIRECT)).withRestarts().withShortAndShuffledIo().run();
        QemuImg.check(image);
    }

    @Test
    void ioThatFailsLosesNothingElse() {
        Path image = folder.resolve("disk.qcow2");
        new NewImage(SIZE, 4096, null, null).create(image);
        Exerciser.of(() -> open(image, DIRECT))
                .withRestarts()
                .withShortAndShuffledIo()
                .withFailingIo()
                .run();
        QemuImg.checkAfterCrash(image);
    }

    @Test
    void severalQueuesAndUserCopyAreServedWithFewTablesInMemory() throws Exception {
        Path image = folder.resolve("disk.qcow2");
        raw(4, SIZE);
        new NewImage(SIZE, 512, "base.img", "raw").create(image);
        DeviceOptions options =
                TestBed.options().withQueues(3).withDepth(8).with(Feature.USER_COPY);
        Exerciser.of(() -> Qcow2Target.open(image, Qcow2Options.of(BUFFERED).withCache(1)))
                .withOptions(options)
                .withRounds(4)
                .run();
        QemuImg.check(image);
    }
}
