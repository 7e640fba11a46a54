package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A Linux guest of QEMU, which has the disk as {@code vhost-user-blk-pci}. The guest's own driver
 * says what kind of rings it has agreed on.
 */
final class QemuGuestTest {
    private static final Path MACHINE = Path.of("..", "vm", "run").toAbsolutePath();
    private static final Path SCRIPTS = Path.of("src", "test", "guest").toAbsolutePath();
    private static final int NO_MACHINE = 125;
    private static final int KILLS = 5;

    @TempDir private Path folder;

    private Path file;
    private Path output;

    @BeforeEach
    void prepare() throws IOException {
        assumeTrue(
                System.getProperty("os.arch").equals("amd64"), "the guest's kernel is for amd64");
        assumeTrue(
                !Files.exists(Path.of("/run/ublk4j/settings")),
                "this is a guest, where another would be emulated by what is emulated");
        file = folder.resolve("disk.img");
        output = folder.resolve("guest.log");
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(256 << 20);
        }
    }

    private Process startGuest(Path socket, RingFormat format, String script) throws IOException {
        Process machine =
                new ProcessBuilder(
                                MACHINE.toString(),
                                "--vhost-user",
                                socket + (format == RingFormat.PACKED ? ",2,packed" : ",2"),
                                "--timeout",
                                "400",
                                "--",
                                SCRIPTS.resolve(script).toString(),
                                format.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try (OutputStream input = machine.getOutputStream()) {
            input.flush();
        }
        return machine;
    }

    private void awaitContent(Process machine, RingFormat format) throws Exception {
        assertThat(machine.waitFor(14, TimeUnit.MINUTES)).as("the guest ends").isTrue();
        String said = Files.readString(output);
        assumeTrue(machine.exitValue() != NO_MACHINE, said);
        assertThat(machine.exitValue()).as(said).isZero();
        assertThat(said).contains("the guest is content with " + format + " rings");
    }

    @ParameterizedTest
    @EnumSource
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void aGuestMakesAFileSystemAndFindsItsFilesAgain(RingFormat format) throws Exception {
        FileTarget target =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        try (TestExport disk =
                new TestExport(target, 2, folder, options -> options.withSerial("guest-test"))) {
            Process machine = startGuest(disk.socket(), format, "use-disk");
            try {
                awaitContent(machine, format);
            } finally {
                machine.destroyForcibly();
            }
            // Both kinds have been met: direct I/O of one piece, and pages from all over memory.
            assertThat(disk.export.counters().hits()).isPositive();
        }
    }

    @ParameterizedTest
    @EnumSource
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void aGuestLosesNothingWhenTheServerOfItsDiskIsKilled(RingFormat format) throws Exception {
        Path log = folder.resolve("server.log");
        Process server = FileServer.start(folder, file, log);
        Process machine = null;
        try {
            await(server, () -> Files.readString(log).contains("serving"));
            machine = startGuest(folder.resolve("x.sock"), format, "outlive-server");
            Process guest = machine;
            for (int kill = 1; kill <= KILLS && guest.isAlive(); kill++) {
                String round = "round " + 3 * kill;
                await(guest, () -> Files.readString(output).contains(round));
                server.destroyForcibly().waitFor();
                server = FileServer.start(folder, file, log);
            }
            awaitContent(guest, format);
            assertThat(Files.readAllLines(log).stream().filter(line -> line.contains("serving")))
                    .hasSize(KILLS + 1);
        } finally {
            server.destroyForcibly();
            if (machine != null) {
                machine.destroyForcibly();
            }
        }
    }

    /** Something that is so in the end. */
    private interface Condition {
        boolean holds() throws IOException;
    }

    /** Waits for something that a process makes so. */
    private static void await(Process maker, Condition condition) throws Exception {
        while (maker.isAlive() && !condition.holds()) {
            Thread.sleep(20);
        }
    }
}
