package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdServer;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An NBD server in this process, for programs that are clients. */
final class NbdClients implements AutoCloseable {
    private static final Path PROGRAMS = Path.of("scripts", "nbd-clients");

    private static final int NOT_AVAILABLE = 125;

    private final NbdServer server;
    private final List<Device> devices = new ArrayList<>();
    private final Path socket;

    NbdClients(Path folder, NbdOptions options) {
        server = new NbdServer(options);
        socket = folder.resolve("nbd.sock");
        server.listen(socket);
    }

    /** Sees to it that there are clients; skips the test where there are none. */
    static void require() throws IOException, InterruptedException {
        // Tests run in the module's folder, or in the one above it where there is no Maven.
        Path here = Files.isExecutable(PROGRAMS) ? PROGRAMS : Path.of("..").resolve(PROGRAMS);
        Process process = new ProcessBuilder(here.toString()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
        assumeTrue(process.exitValue() != NOT_AVAILABLE, said);
        assertThat(process.exitValue()).as(said).isZero();
    }

    /** Makes a target known, with so many queues; answers the address for clients. */
    String export(String name, Target target, int queues) {
        DeviceOptions options = DeviceOptions.defaults().withQueues(queues).with(Feature.SHMEM_ZC);
        devices.add(server.export(name, "", target, options));
        return "'nbd+unix:///%s?socket=%s'".formatted(name, socket);
    }

    /** {@return a port of this machine on which the server listens too} */
    int listenOnTcp() {
        return server.listen(new InetSocketAddress("127.0.0.1", 0));
    }

    Path socket() {
        return socket;
    }

    Device device(int index) {
        return devices.get(index);
    }

    @Override
    public void close() {
        server.close();
        devices.forEach(Device::close);
    }
}
