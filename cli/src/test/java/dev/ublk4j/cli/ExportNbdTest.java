package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code export nbd} in a process of its own, which is told to end. */
class ExportNbdTest {
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
        assertThat(process.exitValue()).as(Files.readString(folder.resolve("errors"))).isZero();
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
    void itListensAtASocketAndAnAddressAndSaysWhatItExports() throws Exception {
        Path socket = folder.resolve("nbd.sock");
        // In the locale C a JVM cannot pass other letters than ASCII's to a process.
        Charset ofArguments = Charset.forName(System.getProperty("sun.jnu.encoding"));
        String description = ofArguments.newEncoder().canEncode('é') ? "a disk, é" : "a disk";
        Process process =
                start(
                        "--listen",
                        "127.0.0.1:0",
                        "--socket",
                        socket.toString(),
                        "--description",
                        description,
                        "memory",
                        "1M");
        try (BufferedReader lines = process.inputReader()) {
            String local = lines.readLine();
            String remote = lines.readLine();
            assertThat(local).isEqualTo("nbd+unix:///?socket=" + socket);
            assertThat(remote).startsWith("nbd://127.0.0.1:");
            for (String uri : List.of(local, remote)) {
                assertThat(output("nbdinfo", "--list", "--json", uri))
                        .contains("\"description\": \"" + description + "\"", "1048576");
            }
            terminate(process);
        } finally {
            process.destroyForcibly();
        }
    }

    /** {@return what a program prints that ends well} */
    private String output(String... words) throws Exception {
        assumeTrue(
                new ProcessBuilder("sh", "-c", "command -v " + words[0]).start().waitFor() == 0,
                words[0] + " is not installed");
        Path errors = folder.resolve("client.errors");
        Process client = new ProcessBuilder(words).redirectError(errors.toFile()).start();
        String output = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(client.waitFor()).as("%s: %s", output, Files.readString(errors)).isZero();
        return output;
    }

    @Test
    void aClientStartsItWithASocketThatListens() throws Exception {
        List<String> words = new ArrayList<>(List.of("nbdinfo", "--json", "--", "["));
        words.addAll(
                Program.words("export", "nbd", "--name", "a", "--name", "b", "null", "memory"));
        words.addAll(List.of("1M", "]"));
        // Both have the socket of libnbd; it asks for the empty name, which is neither's.
        words.set(words.indexOf("--json"), "--list");
        assertThat(output(words.toArray(String[]::new))).contains("export=\"a\"", "export=\"b\"");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 511, 513, 1000, 4097, 100_000})
    void aFileOfAnySizeIsServedToItsLastByteAndKeepsItsSize(int size) throws Exception {
        byte[] data = new byte[size];
        new Random(size).nextBytes(data);
        Path source = Files.write(folder.resolve("source"), data);
        Path disk = Files.write(folder.resolve("disk"), new byte[size]);
        Path socket = folder.resolve("nbd.sock");
        Process process = start("--socket", socket.toString(), "--json", "file", disk.toString());
        try (BufferedReader lines = process.inputReader()) {
            assertThat(lines.readLine()).contains("\"size\":" + size + ",");
            String uri = "nbd+unix:///?socket=" + socket;
            assertThat(output("nbdinfo", "--size", uri).strip()).isEqualTo("" + size);
            if (size > 0) {
                output("nbdcopy", "--request-size=262144", source.toString(), uri);
            }
            Path back = folder.resolve("back");
            output("nbdcopy", uri, back.toString());
            assertThat(back).hasBinaryContent(data);
            output("nbdinfo", "--map", uri);
            terminate(process);
        } finally {
            process.destroyForcibly();
        }
        assertThat(disk).hasBinaryContent(data);
    }

    @Test
    void clientsSeeWhatHasChangedOverTheBaseOfAnOverlay() throws Exception {
        Path base = Files.write(folder.resolve("base"), new byte[1 << 20]);
        Path source = Files.write(folder.resolve("source"), new byte[100_000]);
        Path changes = folder.resolve("changes");
        Path socket = folder.resolve("nbd.sock");
        String uri = "nbd+unix:///?socket=" + socket;
        Process process =
                start(
                        "--socket",
                        socket.toString(),
                        "overlay",
                        base.toString(),
                        changes.toString());
        try (BufferedReader lines = process.inputReader()) {
            assertThat(lines.readLine()).isEqualTo(uri);
            output("nbdcopy", source.toString(), uri);
            assertThat(output("nbdinfo", "--map=qemu:dirty-bitmap:changes", uri).lines())
                    .map(line -> line.strip().replaceAll(" +", " "))
                    .containsExactly("0 131072 1 dirty", "131072 917504 0 clean");
            terminate(process);
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

    @Test
    void aTargetThatIsNotExportedLeavesNothingBehind() throws Exception {
        Path image = Files.write(folder.resolve("a.img"), new byte[1 << 20]);
        Process process = start("zoned", image.toString(), "--zone-size", "256K");
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("it ends").isTrue();
        assertThat(process.exitValue()).isEqualTo(Main.FAILED);
        assertThat(Files.readString(folder.resolve("errors")))
                .contains("with zones cannot be exported");
        assertThat(folder.resolve("a.img.zones")).doesNotExist();
    }
}
