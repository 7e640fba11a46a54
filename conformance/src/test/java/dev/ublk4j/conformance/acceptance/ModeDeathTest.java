package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The next server goes on where one that was killed has left off, whoever brings the data.
 *
 * <p>Not in batches: Linux up to 7.3 copies to the memory of a batch's server after that has gone,
 * and may crash; and requests that come while such a device has no server fail. There a server ends
 * in order.
 */
@Tag("kernel")
final class ModeDeathTest {
    private static final long SIZE = 32L << 20;
    private static final int ROUNDS = 3;

    @TempDir Path folder;

    private static FileTarget target(Path folder) {
        Path file = folder.resolve("disk.img");
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
    }

    /** A server of a file in a process of its own, which tests kill. */
    static final class ModeServer {
        private ModeServer() {}

        /**
         * Serves until it is killed.
         *
         * @param arguments a file that is to hold the device's number, the folder, and the mode
         */
        public static void main(String[] arguments) throws IOException, InterruptedException {
            DeviceOptions options =
                    DeviceOptions.defaults()
                            .withDepth(32)
                            .with(Recovery.REISSUE)
                            .with(Mode.parse(arguments[2]));
            try (KernelDriver driver = KernelDriver.open();
                    Device device = Device.start(driver, target(Path.of(arguments[1])), options)) {
                ServerProcess.announce(device, Path.of(arguments[0]));
                device.awaitStop();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy", "get-data", "user-copy", "zero-copy", "manual-zero-copy"})
    void fioVerifiesEveryByteAcrossTheDeathOfTheServer(String mode)
            throws IOException, InterruptedException {
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            for (Feature feature : Feature.of(Mode.parse(mode).features())) {
                assumeTrue(!control.lacks(feature), () -> "this kernel has no " + feature);
            }
            try (RandomAccessFile file =
                    new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
                file.setLength(SIZE);
            }
            Path live = folder.resolve("live");
            Process server =
                    ServerProcess.start(
                            ModeServer.class,
                            live,
                            folder.resolve("server.txt"),
                            folder.toString(),
                            mode);
            int id = Integer.parseInt(Files.readString(live));
            Process load = load(id);
            try {
                Pause.until("there is load", () -> ServerDeathTest.isBusy(id, 100));
                server.destroyForcibly().waitFor();
                Pause.until(
                        "the device waits",
                        () -> control.info(id).state() == DeviceState.UBLK_S_DEV_QUIESCED);
                try (Device next = Device.recover(driver, id, target(folder), Inheritance.none())) {
                    assertThat(next.mode()).hasToString(mode);
                    assertThat(load.waitFor(4, TimeUnit.MINUTES)).as("the load ends").isTrue();
                    assertThat(load.exitValue())
                            .as(Files.readString(folder.resolve("fio.txt")))
                            .isZero();
                    assertThat(next.statistics().failed()).isZero();
                }
            } finally {
                load.destroyForcibly().waitFor();
                server.destroyForcibly().waitFor();
                delete(control, id);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy,batch",
                "user-copy,batch",
                "zero-copy,batch",
                "manual-zero-copy,batch"
            })
    void aDeviceInBatchesIsStoppedUnderLoad(String mode) throws IOException, InterruptedException {
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            for (Feature feature : Feature.of(Mode.parse(mode).features())) {
                assumeTrue(!control.lacks(feature), () -> "this kernel has no " + feature);
            }
            try (RandomAccessFile file =
                    new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
                file.setLength(SIZE);
            }
            DeviceOptions options = DeviceOptions.defaults().withDepth(32).with(Mode.parse(mode));
            for (int round = 0; round < ROUNDS; round++) {
                Device device = Device.start(driver, target(folder), options);
                int id = device.id();
                Process load = load(id);
                try {
                    Pause.until("there is load", () -> ServerDeathTest.isBusy(id, 100));
                } finally {
                    device.close();
                    load.destroyForcibly().waitFor();
                }
                assertThat(device.statistics().failed()).isZero();
                assertThatThrownBy(() -> control.info(id))
                        .isInstanceOf(LinuxException.class)
                        .hasMessageContaining("ENODEV");
            }
        }
    }

    private Process load(int id) throws IOException {
        return Shell.start(
                """
                exec fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                    --iodepth=32 --rw=randwrite --bs=4k --size=8M --loops=2 \
                    --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0
                """
                        .formatted(id),
                folder.resolve("fio.txt"));
    }

    private static void delete(Control control, int id) {
        try {
            control.delete(id);
        } catch (LinuxException e) {
            // The next server has deleted it in order.
            assertThat(e).hasMessageContaining("ENODEV");
        }
    }
}
