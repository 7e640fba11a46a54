package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A file system on a device outlives the server. */
@Tag("kernel")
@Tag("any-kernel")
final class FileSystemTest {
    private static final long SIZE = 256L << 20;

    @TempDir Path folder;

    private Device serve(KernelDriver driver, Path file, BackingFile.Caching caching) {
        return Device.start(
                driver,
                new FileTarget(BackingFile.open(file, caching, false)),
                DeviceOptions.defaults());
    }

    @ParameterizedTest
    @EnumSource
    void aTreeOfFilesIsTheSameAfterTheDeviceWasServedAgain(BackingFile.Caching caching)
            throws IOException {
        Path file = folder.resolve("disk.img");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
        }
        Path mount = Files.createDirectory(folder.resolve("mount"));
        Path sums = folder.resolve("sums");
        try (KernelDriver driver = KernelDriver.open()) {
            try (Device device = serve(driver, file, caching)) {
                Shell.run("mkfs.ext4 -q -E nodiscard /dev/ublkb" + device.id());
                Shell.run("mount /dev/ublkb%d %s".formatted(device.id(), mount));
                try {
                    Shell.run("cp -r /usr/include/linux /usr/include/asm-generic " + mount);
                    Shell.run(
                            "cd %s && find . -type f -print0 | xargs -0 sha256sum > %s"
                                    .formatted(mount, sums));
                } finally {
                    Shell.run("umount " + mount);
                }
            }
            assertThat(Files.readAllLines(sums)).hasSizeGreaterThan(300);
            try (Device device = serve(driver, file, caching)) {
                Shell.run("fsck.ext4 -f -n /dev/ublkb" + device.id());
                Shell.run("mount /dev/ublkb%d %s".formatted(device.id(), mount));
                try {
                    Shell.run("cd %s && sha256sum --quiet -c %s".formatted(mount, sums));
                    Shell.run("rm -r %s/linux && fstrim %s".formatted(mount, mount));
                } finally {
                    Shell.run("umount " + mount);
                }
                Shell.run("fsck.ext4 -f -n /dev/ublkb" + device.id());
            }
        }
    }

    @Test
    void aDeviceThatIsMountedIsNotStoppedOnCondition() throws IOException {
        Path file = folder.resolve("disk.img");
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.setLength(SIZE);
        }
        Path mount = Files.createDirectory(folder.resolve("mount"));
        try (KernelDriver driver = KernelDriver.open();
                Device device = serve(driver, file, BackingFile.Caching.DIRECT)) {
            Shell.run("mkfs.ext4 -q /dev/ublkb" + device.id());
            Shell.run("mount /dev/ublkb%d %s".formatted(device.id(), mount));
            try {
                assertThatThrownBy(() -> new Control(driver).tryStop(device.id()))
                        .hasMessageContaining("EBUSY");
                Shell.run("echo still here > %s/file && sync".formatted(mount));
            } finally {
                Shell.run("umount " + mount);
            }
        }
    }
}
