package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * User-mode Linux as a client, where {@code vm/run} has made one: a kernel of its own, in a process
 * that boots in seconds.
 */
@DisplayName("A guest of user-mode Linux")
final class UserModeLinuxTest {
    private static final Path KERNELS =
            Path.of(System.getProperty("user.home"), ".cache/ublk4j/vm/uml");

    private static final long DISK_BYTES = 64 << 20;

    @TempDir private Path folder;

    /** The guest's first process; the host's own files are its root, read-only. */
    private static final String INIT =
            """
            #!/bin/sh
            PATH=/usr/sbin:/usr/bin:/sbin:/bin
            mount -t proc proc /proc
            mount -t sysfs sys /sys
            mount -t tmpfs tmp /tmp
            mount -t devtmpfs dev /dev
            insmod "$modules"/virtio_blk.ko
            mkdir /tmp/disk
            mount -t ext4 /dev/vda /tmp/disk
            echo "found: $(cat /tmp/disk/hello)"
            head -c 8000000 /dev/urandom >/tmp/disk/random
            sum=$(md5sum </tmp/disk/random)
            umount /tmp/disk
            echo 'write through' >/sys/block/vda/cache_type
            echo "cache: $(cat /sys/block/vda/cache_type)"
            mount -t ext4 /dev/vda /tmp/disk
            [ "$sum" = "$(md5sum </tmp/disk/random)" ] && echo 'read again'
            rm /tmp/disk/random
            fstrim -v /tmp/disk
            umount /tmp/disk && echo 'all done'
            echo o >/proc/sysrq-trigger
            sleep 10
            """;

    private static Path kernel() throws IOException {
        assumeTrue(Files.isDirectory(KERNELS), "there is no kernel of user-mode Linux");
        try (Stream<Path> files = Files.walk(KERNELS, 3)) {
            List<Path> found =
                    files.filter(file -> file.endsWith("linux"))
                            .filter(Files::isRegularFile)
                            .filter(Files::isExecutable)
                            .toList();
            assumeTrue(!found.isEmpty(), "there is no kernel of user-mode Linux");
            return found.getFirst();
        }
    }

    private static Path modules(Path kernel) throws IOException {
        try (Stream<Path> files = Files.walk(kernel.resolveSibling("lib/modules"))) {
            List<Path> found = files.filter(file -> file.endsWith("virtio_blk.ko")).toList();
            assumeTrue(!found.isEmpty(), "it has no module of virtio_blk");
            return found.getFirst().getParent();
        }
    }

    private Path fileSystem() throws Exception {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        Files.writeString(tree.resolve("hello"), "hello from outside\n");
        Path image = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        Path tool = Path.of("/usr/sbin/mkfs.ext4");
        assumeTrue(Files.isExecutable(tool), "mkfs.ext4 is not installed (e2fsprogs)");
        Process made =
                new ProcessBuilder(tool.toString(), "-q", "-d", tree.toString(), image.toString())
                        .inheritIO()
                        .start();
        assertThat(made.waitFor()).isZero();
        return image;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void mountsAFileSystem(boolean packed) throws Exception {
        Path kernel = kernel();
        Path init =
                Files.writeString(
                        folder.resolve("init"),
                        INIT.replace("$modules", modules(kernel).toString()));
        Files.setPosixFilePermissions(init, PosixFilePermissions.fromString("rwxr-xr-x"));
        FileTarget target =
                new FileTarget(BackingFile.open(fileSystem(), BackingFile.Caching.BUFFERED, false));
        Path log = folder.resolve("console");
        try (TestExport disk =
                new TestExport(target, 1, folder, options -> options.withPacked(packed))) {
            Process machine =
                    new ProcessBuilder(
                                    kernel.toString(),
                                    "mem=128M",
                                    "rootfstype=hostfs",
                                    "rootflags=/",
                                    "ro",
                                    "init=" + init,
                                    "virtio_uml.device=" + disk.socket() + ":2",
                                    "con0=null,fd:1",
                                    "con=null",
                                    "ssl=null",
                                    "panic=-1")
                            .redirectInput(new File("/dev/null"))
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            try {
                boolean ended = machine.waitFor(4, TimeUnit.MINUTES);
                String said = Files.readString(log, StandardCharsets.ISO_8859_1);
                assertThat(said)
                        .contains("found: hello from outside")
                        .contains("cache: write through")
                        .contains("read again")
                        .contains("all done");
                assertThat(ended).as("the machine has ended: %s", said).isTrue();
            } finally {
                machine.descendants().forEach(ProcessHandle::destroyForcibly);
                machine.destroyForcibly();
            }
        }
    }
}
