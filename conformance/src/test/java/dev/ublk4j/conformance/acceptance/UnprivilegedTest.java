package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A user without privileges adds a device and serves it. The machine has neither udev nor systemd:
 * a thread does what they do for new nodes, with the script of ublk4j that hands them over.
 */
@Tag("kernel")
@Tag("any-kernel")
final class UnprivilegedTest {
    private static final int USER = 4711;
    private static final int OTHER = 4712;
    private static final Path OWN = Path.of("scripts/udev/ublk4j-own").toAbsolutePath();

    @TempDir Path folder;

    private final KernelDriver driver = KernelDriver.open();
    private final Control control = new Control(driver);
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Thread nodes = new Thread(this::handOverNodes, "nodes");

    @BeforeEach
    void allow() throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.setPosixFilePermissions(
                KernelDriver.CONTROL, PosixFilePermissions.fromString("rw-rw-rw-"));
        nodes.start();
    }

    @AfterEach
    void forbid() throws IOException, InterruptedException {
        over.set(true);
        nodes.join();
        Files.setPosixFilePermissions(
                KernelDriver.CONTROL, PosixFilePermissions.fromString("rw-------"));
        driver.close();
        assertThat(failure.get()).isNull();
    }

    private void handOverNodes() {
        Set<Path> seen = new HashSet<>();
        try {
            while (!over.get()) {
                seen.removeIf(Files::notExists);
                try (DirectoryStream<Path> all =
                        Files.newDirectoryStream(Path.of("/dev"), "ublk[bc][0-9]*")) {
                    for (Path node : all) {
                        if (seen.add(node)) {
                            handOver(node);
                        }
                    }
                }
                Thread.sleep(20);
            }
        } catch (IOException | RuntimeException | Error e) {
            failure.set(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** In the place of ublk4j, a script prints what {@code ublk4j list --json N} does. */
    private void handOver(Path node) throws IOException {
        DeviceInfo info = control.info(number(node));
        Path program = folder.resolve("ublk4j");
        Files.writeString(
                program,
                """
                #!/bin/sh
                [ "$*" = 'list --json %d' ] || exit 2
                echo '[ { "id" : %d, "owner_uid" : %d, "features" : [ %s ] } ]'
                """
                        .formatted(
                                info.deviceId(),
                                info.deviceId(),
                                info.ownerUid(),
                                info.features().contains(Feature.UNPRIVILEGED_DEV)
                                        ? "\"UBLK_F_UNPRIVILEGED_DEV\""
                                        : ""));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Shell.run("UBLK4J=%s %s %s".formatted(program, OWN, node.getFileName()));
    }

    private static int number(Path node) {
        return Integer.parseInt(node.getFileName().toString().substring("ublkc".length()));
    }

    private static Shell.Outcome as(int uid, String command) {
        return Shell.tryRun(
                "setpriv --reuid=%d --regid=%d --clear-groups %s".formatted(uid, uid, command));
    }

    @Test
    void aUserServesADeviceOfHisOwnThatNoOtherUserCanOpen() throws Exception {
        Path live = folder.resolve("live");
        Process server =
                ServerProcess.startAs(
                        USER, UnprivilegedServer.class, live, folder.resolve("server.txt"));
        try {
            int id = Integer.parseInt(Files.readString(live));
            DeviceInfo info = control.info(id);
            assertThat(info.features()).contains(Feature.UNPRIVILEGED_DEV);
            assertThat(info.ownerUid()).isEqualTo(USER);
            assertThat(control.params(id).basic()).isNotNull();

            String write = "dd if=/dev/urandom of=/dev/ublkb%d bs=64k count=16 conv=fsync";
            Path block = KernelDriver.blockPath(id);
            Pause.until(
                    "the block device is the user's",
                    () -> as(USER, "test -w " + block).status() == 0);
            Shell.Outcome own = as(USER, write.formatted(id));
            assertThat(own.status()).as(own.output()).isZero();
            assertThat(as(OTHER, write.formatted(id)).status()).isNotZero();

            server.destroy();
            assertThat(server.waitFor(4, TimeUnit.MINUTES)).as("the server ends").isTrue();
            assertThatThrownBy(() -> control.info(id))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("ENODEV");
        } finally {
            server.destroyForcibly().waitFor();
        }
    }

    @Test
    void theDeviceOfAUserEndsWithItsServerAndRootCanDeleteIt() throws Exception {
        Path live = folder.resolve("live");
        Process server =
                ServerProcess.startAs(
                        USER, UnprivilegedServer.class, live, folder.resolve("server.txt"));
        int id = Integer.parseInt(Files.readString(live));
        server.destroyForcibly().waitFor();
        control.delete(id);
        assertThatThrownBy(() -> control.info(id))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("ENODEV");
    }
}
