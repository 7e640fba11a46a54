package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code export nbd} in a process of its own, which is told to end. */
class ExportNbdTest {
    private static final int TERMINATED = 143;

    @TempDir Path folder;

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "export",
                        "nbd"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectError(folder.resolve("errors").toFile());
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        return builder.start();
    }

    private static String greeting(SocketChannel server) throws IOException {
        ByteBuffer hello = ByteBuffer.allocate(16);
        while (hello.hasRemaining() && server.read(hello) >= 0) {
            // One read may bring less.
        }
        return new String(hello.array(), StandardCharsets.US_ASCII);
    }

    private void terminate(Process process) throws Exception {
        process.destroy();
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("it ends").isTrue();
        assertThat(process.exitValue())
                .as(Files.readString(folder.resolve("errors")))
                .isEqualTo(TERMINATED);
    }

    @Test
    void targetsAreServedOnASocketUntilTheProcessIsToldToEnd() throws Exception {
        Path socket = folder.resolve("nbd.sock");
        Process process =
                start(
                        "--socket",
                        socket.toString(),
                        "--name",
                        "a b",
                        "--name",
                        "c",
                        "memory",
                        "--size",
                        "1M",
                        "memory",
                        "--size",
                        "2M",
                        "-r");
        try (BufferedReader lines = process.inputReader()) {
            assertThat(lines.readLine()).isEqualTo("nbd+unix:///a%20b?socket=" + socket);
            assertThat(lines.readLine()).isEqualTo("nbd+unix:///c?socket=" + socket);
            try (SocketChannel server = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                assertThat(greeting(server)).isEqualTo("NBDMAGICIHAVEOPT");
                terminate(process);
            }
            assertThat(socket).doesNotExist();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void anExportOnTcpIsToldAsJson() throws Exception {
        Process process = start("--listen", "127.0.0.1:0", "--json", "null", "--size", "1G");
        try (BufferedReader lines = process.inputReader()) {
            String line = lines.readLine();
            assertThat(line)
                    .contains("\"protocol\":\"nbd\"", "\"pid\":" + process.pid())
                    .contains("\"size\":1073741824", "\"target\":\"null\"");
            String port = line.replaceFirst(".*nbd://127.0.0.1:(\\d+)/.*", "$1");
            try (SocketChannel server =
                    SocketChannel.open(
                            new InetSocketAddress("127.0.0.1", Integer.parseInt(port)))) {
                assertThat(greeting(server)).isEqualTo("NBDMAGICIHAVEOPT");
            }
            terminate(process);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aSocketThatIsTakenIsSaid() throws Exception {
        Path socket = Files.createFile(folder.resolve("nbd.sock"));
        Process process = start("--socket", socket.toString(), "null");
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("it ends").isTrue();
        assertThat(process.exitValue()).isEqualTo(Main.FAILED);
        assertThat(Files.readString(folder.resolve("errors")))
                .contains(socket.toString(), "address in use");
        assertThat(socket).exists();
    }
}
