package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code export vhost-user} that is told to end, while its target does not let it. */
class EndVhostUserInTimeTest {
    private static final int LEFT_BEHIND = 3;

    /** A guest that reads a block, and stays until its input ends. */
    private static final String GUEST =
            """
            import mmap, os, socket, struct, sys
            s = socket.socket(socket.AF_UNIX)
            s.connect(sys.argv[1])
            memory = os.memfd_create("guest")
            os.ftruncate(memory, 1 << 20)
            ram = mmap.mmap(memory, 1 << 20)
            at = 0x100000000
            def tell(number, data, *fds):
                head = struct.pack("<III", number, 1, len(data))
                socket.send_fds(s, [head + data], list(fds))
            def word(number):
                tell(number, b"")
                return struct.unpack_from("<Q", s.recv(20, socket.MSG_WAITALL), 12)[0]
            tell(3, b"")
            word(1)
            tell(2, struct.pack("<Q", 1 << 32 | 1 << 30))
            word(15)
            tell(16, struct.pack("<Q", 0))
            tell(5, struct.pack("<IIQQQQ", 1, 0, 0, 1 << 20, at, 0), memory)
            kick, call = os.eventfd(0), os.eventfd(0)
            tell(8, struct.pack("<II", 0, 4))
            tell(10, struct.pack("<II", 0, 0))
            tell(9, struct.pack("<IIQQQQ", 0, 0, at, at + 0x2000, at + 0x1000, 0))
            tell(13, struct.pack("<Q", 0), call)
            tell(12, struct.pack("<Q", 0), kick)
            tell(18, struct.pack("<II", 0, 1))
            struct.pack_into("<IIQ", ram, 0x3000, 0, 0, 0)
            struct.pack_into("<QIHH", ram, 0, 0x3000, 16, 1, 1)
            struct.pack_into("<QIHH", ram, 16, 0x4000, 512, 3, 2)
            struct.pack_into("<QIHH", ram, 32, 0x5000, 1, 2, 0)
            struct.pack_into("<HHH", ram, 0x1000, 0, 1, 0)
            os.eventfd_write(kick, 1)
            sys.stdin.read()
            """;

    @TempDir Path folder;

    private Process export(String... target) throws IOException {
        List<String> words =
                new ArrayList<>(
                        Program.words(
                                "export",
                                "vhost-user",
                                "-q",
                                "1",
                                "--socket",
                                socket(),
                                "target",
                                "--class"));
        words.addAll(List.of(target));
        ProcessBuilder builder = new ProcessBuilder(words).redirectError(errors().toFile());
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        return builder.start();
    }

    private String socket() {
        return folder.resolve("guest.sock").toString();
    }

    private Path errors() {
        return folder.resolve("errors");
    }

    private Process guest() throws Exception {
        assumeTrue(
                Program.shell(folder, "python3 -c 'import os; os.eventfd'").status() == 0,
                "python3 with event counters is not installed");
        Path script = Files.writeString(folder.resolve("guest.py"), GUEST);
        return new ProcessBuilder("python3", script.toString(), socket())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("guest.out").toFile())
                .start();
    }

    private void assertLeavesItBehind(String... target) throws Exception {
        Process export = export(target);
        Process guest = null;
        try (BufferedReader lines = export.inputReader()) {
            assertThat(lines.readLine()).as(Files.readString(errors())).contains(socket());
            guest = guest();
            assertThat(lines.readLine())
                    .as("%s %s", Files.readString(errors()), folder.resolve("guest.out"))
                    .isEqualTo("reads");
            export.destroy();
            assertThat(export.waitFor(60, TimeUnit.SECONDS)).as("it ends").isTrue();
            assertThat(Files.readString(errors()).lines())
                    .singleElement()
                    .asString()
                    .contains("was not stopped in time and ends with this process");
            assertThat(export.exitValue()).isEqualTo(LEFT_BEHIND);
        } finally {
            export.destroyForcibly();
            if (guest != null) {
                guest.destroyForcibly();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"close", "handler", "answer"})
    void endsAllTheSameAndSaysSo(String where) throws Exception {
        assertLeavesItBehind(HangingTarget.class.getName(), where);
    }

    @Test
    void endsAllTheSameWhereAThreadOfTheTargetHangs() throws Exception {
        assertLeavesItBehind(HangingTarget.OnThreads.class.getName());
    }
}
