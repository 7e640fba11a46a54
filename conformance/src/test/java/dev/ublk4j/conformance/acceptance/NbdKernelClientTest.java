package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Linux's own client makes an export a block device. */
@Tag("kernel")
@Tag("any-kernel")
final class NbdKernelClientTest {
    @TempDir Path folder;

    @BeforeAll
    static void thereIsAClient() throws Exception {
        NbdClients.require();
        Shell.run("modprobe nbd nbds_max=2");
    }

    @Test
    void aFileSystemOverTwoConnectionsKeepsItsFiles() throws IOException {
        Path mount = Files.createDirectory(folder.resolve("mount"));
        try (NbdClients served = new NbdClients(folder, NbdOptions.defaults())) {
            served.export("disk", new MemoryTarget(256 << 20), 2);
            int port = served.listenOnTcp();
            attach("127.0.0.1 %d".formatted(port));
            try {
                Shell.run("mkfs.ext4 -q /dev/nbd0 && mount -o discard /dev/nbd0 " + mount);
                Shell.run("cp -r /usr/include/linux %s && sync".formatted(mount));
                Shell.run(
                        "cd %s && find linux -type f -print0 | xargs -0 sha256sum > %s/sums"
                                .formatted(mount, folder));
                Shell.run("umount %s && sync".formatted(mount));
            } finally {
                Shell.run("nbd-client -d /dev/nbd0");
            }
            attach("-unix " + served.socket());
            try {
                Shell.run("fsck.ext4 -f -n /dev/nbd0 && mount /dev/nbd0 " + mount);
                Shell.run("cd %s && sha256sum --quiet -c %s/sums".formatted(mount, folder));
                Shell.run("rm -r %s/linux && fstrim %s".formatted(mount, mount));
                Shell.run("umount " + mount);
                Shell.run("fsck.ext4 -f -n /dev/nbd0");
            } finally {
                Shell.run("nbd-client -d /dev/nbd0");
            }
            assertThat(Files.readAllLines(folder.resolve("sums"))).hasSizeGreaterThan(300);
        }
    }

    private static void attach(String where) {
        Shell.run("nbd-client %s /dev/nbd0 -N disk -C 2 -b 4096".formatted(where));
    }
}
