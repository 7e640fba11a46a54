package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.DeviceState;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What has to work on every kernel with a ublk driver, whatever else it knows: a device is served,
 * its server is killed, it is recovered and deleted. For {@code conformance/on-every-kernel}.
 */
@Tag("kernel-line")
final class KernelLineTest {
    private static final long SIZE = 64L << 20;

    @TempDir Path folder;

    private KernelDriver driver;
    private Control control;
    private Process server;
    private int id;

    /** A server of a file in a process of its own. */
    static final class FileServer {
        private FileServer() {}

        /**
         * Serves until it is killed.
         *
         * @param arguments where to announce the device, the file, the kind of recovery
         */
        public static void main(String[] arguments) throws IOException, InterruptedException {
            DeviceOptions options =
                    DeviceOptions.defaults().withDepth(32).with(Recovery.valueOf(arguments[2]));
            try (KernelDriver driver = KernelDriver.open();
                    Device device = Device.start(driver, target(Path.of(arguments[1])), options)) {
                ServerProcess.announce(device, Path.of(arguments[0]));
                device.awaitStop();
            }
        }
    }

    private static FileTarget target(Path file) {
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
    }

    private Path disk() {
        return folder.resolve("disk.img");
    }

    private void serve(Recovery recovery) throws IOException {
        server =
                ServerProcess.start(
                        FileServer.class,
                        folder.resolve("live"),
                        folder.resolve("server.txt"),
                        disk().toString(),
                        recovery.name());
        id = Integer.parseInt(Files.readString(folder.resolve("live")));
    }

    @BeforeEach
    void open() throws IOException {
        driver = KernelDriver.open();
        control = new Control(driver);
        try (RandomAccessFile file = new RandomAccessFile(disk().toFile(), "rw")) {
            file.setLength(SIZE);
        }
    }

    @AfterEach
    void close() throws InterruptedException {
        if (server != null) {
            server.destroyForcibly().waitFor();
            try {
                control.delete(id);
            } catch (LinuxException e) {
                assertThat(e).hasMessageContaining("ENODEV");
            }
        }
        driver.close();
    }

    private void killServer() throws InterruptedException {
        server.destroyForcibly().waitFor();
    }

    private void await(int state) {
        Pause.until("the device is in state " + state, () -> control.info(id).state() == state);
    }

    /** Random bytes through the page cache and past it, read back past it. */
    private void writeAndVerify() {
        Shell.run(
                """
                set -e
                cd %2$s
                head -c 8M /dev/urandom >written
                dd if=written of=/dev/ublkb%1$d bs=64k seek=256 oflag=direct status=none
                dd if=written of=/dev/ublkb%1$d bs=64k seek=512 conv=fsync status=none
                dd if=/dev/ublkb%1$d of=read bs=64k skip=256 count=128 iflag=direct status=none
                cmp written read
                """
                        .formatted(id, folder));
        verify();
    }

    private void verify() {
        Shell.run(
                """
                set -e
                cd %2$s
                dd if=/dev/ublkb%1$d of=read bs=64k skip=512 count=128 iflag=direct status=none
                cmp written read
                """
                        .formatted(id, folder));
    }

    private void assertGone() {
        assertThat(Files.exists(KernelDriver.charPath(id))).isFalse();
        assertThat(Files.exists(KernelDriver.blockPath(id))).isFalse();
    }

    @Test
    void aDeviceIsServedAndRecoveredAfterItsServerWasKilledAndDeleted() throws Exception {
        serve(Recovery.WAIT);
        writeAndVerify();
        killServer();
        await(DeviceState.UBLK_S_DEV_QUIESCED);
        try (Device device = Device.recover(driver, id, target(disk()), Inheritance.none())) {
            await(DeviceState.UBLK_S_DEV_LIVE);
            verify();
            writeAndVerify();
            assertThat(device.statistics().failed()).isZero();
        }
        assertGone();
    }

    @Test
    void aDeviceWithoutRecoveryStopsWithItsServerAndHoldsAFileSystemUntilThen() throws Exception {
        serve(Recovery.NONE);
        Shell.run(
                """
                set -e
                mkdir %2$s/mount
                mkfs.ext4 -q /dev/ublkb%1$d
                mount /dev/ublkb%1$d %2$s/mount
                head -c 4M /dev/urandom >%2$s/file
                cp %2$s/file %2$s/mount/
                umount %2$s/mount
                e2fsck -fn /dev/ublkb%1$d
                mount -o ro /dev/ublkb%1$d %2$s/mount
                cmp %2$s/file %2$s/mount/file
                umount %2$s/mount
                """
                        .formatted(id, folder));
        killServer();
        await(DeviceState.UBLK_S_DEV_DEAD);
        control.delete(id);
        assertGone();
    }
}
