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

    /** How often a server dies, and in which of its writes, or a few later. */
    private static final int DEATHS = 3;

    private static final int WRITES = 150;

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
    void aGuestLosesNothingWhenTheServerOfItsDiskDies(RingFormat format) throws Exception {
        Path log = folder.resolve("server.log");
        Process server = FileServer.start(folder, file, WRITES, log);
        Process machine = null;
        try {
            while (server.isAlive() && !Files.readString(log).contains("serving")) {
                Thread.sleep(20);
            }
            machine = startGuest(folder.resolve("x.sock"), format, "outlive-server");
            for (int death = 1; death <= DEATHS && awaitDeath(server, machine); death++) {
                int writes = death < DEATHS ? WRITES + death : Integer.MAX_VALUE;
                server = FileServer.start(folder, file, writes, log);
            }
            awaitContent(machine, format);
            assertThat(Files.readAllLines(log).stream().filter(line -> line.contains("serving")))
                    .as(Files.readString(log))
                    .hasSize(DEATHS + 1);
        } finally {
            server.destroyForcibly();
            if (machine != null) {
                machine.destroyForcibly();
            }
        }
    }

    /** Waits until a server has died, and answers whether it has before its guest ended. */
    private static boolean awaitDeath(Process server, Process guest) throws Exception {
        while (!server.waitFor(20, TimeUnit.MILLISECONDS)) {
            if (!guest.isAlive()) {
                return false;
            }
        }
        assertThat(server.exitValue()).isEqualTo(FileServer.DEAD);
        return true;
    }
}
