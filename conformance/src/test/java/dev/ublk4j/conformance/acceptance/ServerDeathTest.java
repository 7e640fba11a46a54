package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.DeviceState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a machine is left by a server process that ends. */
@Tag("kernel")
@Tag("any-kernel")
final class ServerDeathTest {
    private static final Pattern WHITE_SPACE = Pattern.compile("\\s+");

    @TempDir Path folder;

    private Process load(int id) throws IOException {
        return Shell.start(
                """
                exec fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                    --iodepth=64 --rw=randwrite --bs=4k --size=64M --time_based --runtime=60
                """
                        .formatted(id),
                folder.resolve("fio.txt"));
    }

    /** {@return whether a device has done some writes} */
    static boolean isBusy(int id, long writes) {
        return writes(id) > writes;
    }

    /** {@return how many writes a device has done} */
    static long writes(int id) {
        try {
            String statistics = Files.readString(Path.of("/sys/block/ublkb" + id + "/stat"));
            return Long.parseLong(WHITE_SPACE.splitAsStream(statistics.strip()).toList().get(4));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aServerKilledUnderLoadLeavesADeviceThatCanBeDeletedAndItsNumberUsedAgain()
            throws IOException, InterruptedException {
        Process server = ServerProcess.start(folder.resolve("live"), folder.resolve("server.txt"));
        int id = Integer.parseInt(Files.readString(folder.resolve("live")));
        Process load = load(id);
        try {
            Pause.until("there is load", () -> isBusy(id, 500));
            server.destroyForcibly();
            assertThat(load.waitFor(4, TimeUnit.MINUTES)).as("the load ends").isTrue();
            assertThat(load.exitValue()).as("with errors").isNotZero();
        } finally {
            load.destroyForcibly().waitFor();
            server.destroyForcibly().waitFor();
        }
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            Pause.until(
                    "the device is dead",
                    () -> control.info(id).state() == DeviceState.UBLK_S_DEV_DEAD);
            control.delete(id);
            assertThat(Files.exists(KernelDriver.charPath(id))).isFalse();
            try (Device device =
                    Device.start(
                            driver,
                            new MemoryTarget(1 << 20),
                            DeviceOptions.defaults().withId(id))) {
                Shell.run("dd if=/dev/ublkb%d of=/dev/null bs=64k status=none".formatted(id));
                assertThat(device.id()).isEqualTo(id);
            }
        }
    }

    @Test
    void aServerThatIsToldToEndTakesItsDeviceAlong() throws IOException, InterruptedException {
        Process server = ServerProcess.start(folder.resolve("live"), folder.resolve("server.txt"));
        int id = Integer.parseInt(Files.readString(folder.resolve("live")));
        Process load = load(id);
        try {
            Pause.until("there is load", () -> isBusy(id, 500));
            server.destroy();
            assertThat(server.waitFor(4, TimeUnit.MINUTES)).as("the server ends").isTrue();
            assertThat(server.exitValue()).as("by SIGTERM").isEqualTo(143);
            assertThat(load.waitFor(4, TimeUnit.MINUTES)).as("the load ends").isTrue();
        } finally {
            load.destroyForcibly().waitFor();
            server.destroyForcibly().waitFor();
        }
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            assertThatThrownBy(() -> control.info(id))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("ENODEV");
        }
    }
}
