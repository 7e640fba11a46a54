package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A Linux guest of QEMU, which has the disk as {@code vhost-user-blk-pci}. */
final class QemuGuestTest {
    private static final Path MACHINE = Path.of("..", "vm", "run").toAbsolutePath();
    private static final Path SCRIPT = Path.of("src", "test", "guest", "use-disk").toAbsolutePath();
    private static final int NO_MACHINE = 125;

    @TempDir private Path folder;

    @ParameterizedTest
    @EnumSource
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void aGuestMakesAFileSystemAndFindsItsFilesAgain(RingFormat format) throws Exception {
        assumeTrue(
                System.getProperty("os.arch").equals("amd64"), "the guest's kernel is for amd64");
        assumeTrue(
                !Files.exists(Path.of("/run/ublk4j/settings")),
                "this is a guest, where another would be emulated by what is emulated");
        Path file = folder.resolve("disk.img");
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(256 << 20);
        }
        Path output = folder.resolve("guest.log");
        FileTarget target =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        try (TestExport disk =
                new TestExport(target, 2, folder, options -> options.withSerial("guest-test"))) {
            Process machine =
                    new ProcessBuilder(
                                    MACHINE.toString(),
                                    "--vhost-user",
                                    disk.socket()
                                            + (format == RingFormat.PACKED ? ",2,packed" : ",2"),
                                    "--timeout",
                                    "400",
                                    "--",
                                    SCRIPT.toString(),
                                    format.toString())
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            try (OutputStream input = machine.getOutputStream()) {
                input.flush();
            }
            try {
                assertThat(machine.waitFor(14, TimeUnit.MINUTES)).as("the guest ends").isTrue();
            } finally {
                machine.destroyForcibly();
            }
            String said = Files.readString(output);
            assumeTrue(machine.exitValue() != NO_MACHINE, said);
            assertThat(machine.exitValue()).as(said).isZero();
            assertThat(said).contains("the guest is content with " + format + " rings");
            // Both kinds have been met: direct I/O of one piece, and pages from all over memory.
            assertThat(disk.export.counters().hits()).isPositive();
        }
    }
}
