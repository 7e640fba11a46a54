package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that are told to end, while their target does not let them. */
class EndInTimeTest {
    private static final int LEFT_BEHIND = 3;
    private static final int REQUEST_MAGIC = 0x2560_9513;
    private static final long OPTION_MAGIC = 0x4948_4156_454f_5054L;

    @TempDir Path folder;

    private Process start(String where) throws IOException {
        return where.equals("blocking")
                ? start(where, "target", "--class", HangingTarget.OnThreads.class.getName())
                : start(where, "target", "--class", HangingTarget.class.getName(), where);
    }

    private Process start(String where, String... target) throws IOException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        List<String> command = new ArrayList<>(List.of(java.toString()));
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "export",
                        "nbd",
                        "--socket",
                        socket(where).toString()));
        command.addAll(List.of(target));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors(where).toFile());
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        return builder.start();
    }

    private Path socket(String where) {
        return folder.resolve(where + ".sock");
    }

    private Path errors(String where) {
        return folder.resolve(where + ".errors");
    }

    private static ByteBuffer read(SocketChannel server, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            assertThat(server.read(buffer)).isPositive();
        }
        return buffer.flip();
    }

    /** Chooses the export, which is the only one, and reads a block that never comes. */
    private SocketChannel readSomething(String where) throws IOException {
        SocketChannel server = SocketChannel.open(UnixDomainSocketAddress.of(socket(where)));
        byte[] name = "".getBytes(StandardCharsets.UTF_8);
        read(server, 18);
        ByteBuffer choice = ByteBuffer.allocate(20 + name.length);
        choice.putInt(3).putLong(OPTION_MAGIC).putInt(1).putInt(name.length).put(name);
        server.write(choice.flip());
        read(server, 10);
        ByteBuffer request = ByteBuffer.allocate(28);
        request.putInt(REQUEST_MAGIC).putInt(0).putLong(1).putLong(0).putInt(512);
        server.write(request.flip());
        return server;
    }

    @Test
    void endAllTheSameAndSaySo() throws Exception {
        Map<String, Process> servers = new LinkedHashMap<>();
        List<SocketChannel> clients = new ArrayList<>();
        try {
            for (String where : List.of("close", "handler", "blocking", "answer")) {
                servers.put(where, start(where));
            }
            for (Map.Entry<String, Process> server : servers.entrySet()) {
                assertThat(server.getValue().inputReader().readLine())
                        .as(Files.readString(errors(server.getKey())))
                        .startsWith("nbd+unix://");
                clients.add(readSomething(server.getKey()));
            }
            servers.values().forEach(Process::destroy);
            for (Map.Entry<String, Process> server : servers.entrySet()) {
                Process process = server.getValue();
                assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(server.getKey()).isTrue();
                assertThat(Files.readString(errors(server.getKey())))
                        .contains("was not stopped in time");
                assertThat(process.exitValue()).as(server.getKey()).isEqualTo(LEFT_BEHIND);
            }
        } finally {
            servers.values().forEach(Process::destroyForcibly);
            for (SocketChannel client : clients) {
                client.close();
            }
        }
    }

    @Test
    void requestsThatAFaultHoldsBackDoNotKeepAnExportFromEnding() throws Exception {
        for (String fault : List.of("--hang", "--delay=1000s")) {
            Process server = start("fault", "fault", "memory:1M", fault);
            try {
                assertThat(server.inputReader().readLine())
                        .as(Files.readString(errors("fault")))
                        .startsWith("nbd+unix://");
                try (SocketChannel _ = readSomething("fault")) {
                    server.destroy();
                    assertThat(server.waitFor(60, TimeUnit.SECONDS)).as(fault).isTrue();
                }
                assertThat(Files.readString(errors("fault"))).isEmpty();
                assertThat(server.exitValue()).as(fault).isZero();
            } finally {
                server.destroyForcibly();
            }
        }
    }
}
