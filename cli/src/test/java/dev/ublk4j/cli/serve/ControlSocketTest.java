package dev.ublk4j.cli.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.DeviceStatistics;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A device's control socket")
class ControlSocketTest {
    @TempDir Path folder;

    private Path path() {
        return folder.resolve("3.control");
    }

    @Test
    void answersALineWithALine() throws IOException {
        try (ControlSocket socket = ControlSocket.open(path(), request -> "<" + request + ">")) {
            assertThat(ControlSocket.ask(path(), "hello")).isEqualTo("<hello>");
            assertThat(ControlSocket.ask(path(), "")).isEqualTo("<>");
            assertThat(ControlSocket.ask(path(), "\u00e4".repeat(10_000))).hasSize(10_002);
            assertThat(socket).isNotNull();
        }
        assertThat(path()).doesNotExist();
    }

    @Test
    void isForItsOwnUserAlone() throws IOException {
        try (ControlSocket socket = ControlSocket.open(path(), request -> request)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path())))
                    .isEqualTo("rw-------");
            assertThat(socket).isNotNull();
        }
    }

    @Test
    void takesThePlaceOfOneThatWasLeftBehind() throws IOException {
        // Closing a channel leaves its file, as a server that is killed does.
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(path()))
                .close();
        try (ControlSocket socket = ControlSocket.open(path(), request -> request)) {
            assertThat(ControlSocket.ask(path(), "x")).isEqualTo("x");
            assertThat(socket).isNotNull();
        }
    }

    @Test
    void leavesAloneWhatIsNoneAndOneThatAnswers() throws IOException {
        Files.writeString(path(), "somebody's");
        assertThatThrownBy(() -> ControlSocket.open(path(), request -> request))
                .hasMessageContaining("a regular file is there; it is left alone");
        assertThat(path()).hasContent("somebody's");
        Files.delete(path());
        try (ControlSocket socket = ControlSocket.open(path(), request -> request)) {
            assertThatThrownBy(() -> ControlSocket.open(path(), request -> "other"))
                    .hasMessageContaining("another process listens there");
            assertThat(ControlSocket.ask(path(), "x")).isEqualTo("x");
            assertThat(socket).isNotNull();
        }
    }

    @Test
    void answersOthersWhileOneIsSilent() throws IOException {
        List<SocketChannel> silent = new ArrayList<>();
        try (ControlSocket socket = ControlSocket.open(path(), request -> request)) {
            for (int i = 0; i < 8; i++) {
                silent.add(SocketChannel.open(UnixDomainSocketAddress.of(path())));
            }
            assertThat(ControlSocket.ask(path(), "x")).isEqualTo("x");
            assertThat(socket).isNotNull();
        } finally {
            for (SocketChannel client : silent) {
                client.close();
            }
        }
    }

    @Test
    void isGivenUpInTimeWhereTheServerStandsStill() throws IOException {
        List<SocketChannel> before = new ArrayList<>();
        Duration patience = Duration.ofMillis(100);
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            // It accepts nobody, and holds one connection for when it does.
            server.bind(UnixDomainSocketAddress.of(path()), 1);
            assertThatThrownBy(() -> ControlSocket.ask(path(), "x", patience))
                    .isInstanceOf(ClosedChannelException.class);
            boolean isFull = false;
            while (!isFull) {
                SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
                before.add(client);
                client.configureBlocking(false);
                try {
                    isFull = !client.connect(UnixDomainSocketAddress.of(path()));
                } catch (SocketException e) {
                    // EAGAIN
                    isFull = true;
                }
            }
            assertThatThrownBy(() -> ControlSocket.ask(path(), "x", patience))
                    .isInstanceOf(ClosedChannelException.class);
            assertThatThrownBy(() -> client(new RunFolder(folder), 3).stat(patience))
                    .isInstanceOf(Failure.class)
                    .hasMessageStartingWith("no reply from the server of device 3, within ");
        } finally {
            for (SocketChannel client : before) {
                client.close();
            }
        }
    }

    @Test
    void answersWithTheReasonWhenACommandFails() throws IOException {
        ControlSocket socket =
                ControlSocket.open(
                        path(),
                        request -> {
                            throw new Failure("not today");
                        });
        try (socket) {
            String answer = ControlSocket.ask(path(), "x");
            assertThatThrownBy(() -> Report.checked(answer)).hasMessage("not today");
        }
    }

    private static ControlClient client(RunFolder run, int id) {
        return new ControlClient(run, ServedName.device(id));
    }

    @Test
    void answersWhateverACommandThrows() throws IOException {
        ControlSocket socket =
                ControlSocket.open(
                        path(),
                        request -> {
                            throw new NoClassDefFoundError("there/is/None");
                        });
        try (socket) {
            String answer = ControlSocket.ask(path(), "x");
            assertThatThrownBy(() -> Report.checked(answer))
                    .hasMessageStartingWith("cannot load its classes");
        }
    }

    private static ServedDevice served(Device device) {
        return new ServedDevice(
                device.id(),
                ProcessIdentity.current(),
                "null",
                null,
                1,
                128,
                4096,
                device.geometry().size(),
                512,
                false,
                Instant.EPOCH,
                null,
                List.of("null", "--size=1048576"));
    }

    @Test
    void tellsStatisticsAndResizesTheDevice() throws IOException {
        RunFolder run = new RunFolder(folder);
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(
                                driver,
                                new NullTarget(1 << 20),
                                DeviceOptions.defaults()
                                        .with(Feature.UPDATE_SIZE)
                                        .with(Feature.SHMEM_ZC));
                Arena arena = Arena.ofShared();
                Disk disk = driver.openBlock(device.id());
                ControlSocket socket =
                        ControlSocket.open(
                                run.controlSocket(ServedName.device(device.id())),
                                new DeviceControl(
                                                new LiveDevice(device, null, false),
                                                served(device),
                                                run)
                                        ::answer)) {
            disk.write(arena.allocate(4096, 4096), 0);

            DeviceStat stat = client(run, device.id()).stat();
            DeviceStatistics done = device.statistics();
            assertThat(stat)
                    .isEqualTo(
                            new DeviceStat(
                                    ServedName.device(device.id()),
                                    "null",
                                    "copy",
                                    done,
                                    device.driverCounters()
                                            .map(DataCounters::missesByReason)
                                            .orElseThrow()));
            assertThat(stat.misses()).containsEntry("frames unknown", 1L);
            assertThat(
                            DeviceStat.of(
                                            ServedName.device(0),
                                            "null",
                                            device.mode(),
                                            done,
                                            Optional.empty(),
                                            List.of(),
                                            List.of(),
                                            null)
                                    .json())
                    .doesNotContain("misses");

            assertThat(client(run, device.id()).resize(2 << 20).size()).isEqualTo(2 << 20);
            assertThat(device.geometry().size()).isEqualTo(2 << 20);
            assertThat(run.readOrNull(device.id())).isEqualTo(served(device));
            assertThatThrownBy(() -> client(run, device.id()).resize(1000))
                    .isInstanceOf(Failure.class)
                    .hasMessageContaining("not a multiple of");
            assertThat(socket).isNotNull();
        }
        assertThatThrownBy(() -> client(run, 0).stat())
                .isInstanceOf(Failure.class)
                .hasMessageContaining("no reply from the server of device 0");
        assertThatThrownBy(() -> client(run, 7).stat())
                .isInstanceOf(Failure.class)
                .hasMessageContaining("device 7 is not served by ublk4j");
    }
}
