package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.nbd.NbdOptions;
import dev.ublk4j.nbd.NbdServer;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An image behind an export, as programs of others see it. */
@Timeout(300)
class RbdExportTest {
    private static final int SIZE = 32 << 20;

    @TempDir Path folder;

    private TestCluster cluster;

    @BeforeEach
    void start() {
        cluster = TestCluster.get();
    }

    private static void requireProgram(String name) {
        boolean isThere =
                Arrays.stream(System.getenv("PATH").split(":"))
                        .anyMatch(each -> Files.isExecutable(Path.of(each, name)));
        assumeTrue(isThere, name + " is not installed");
    }

    @Test
    void whatIsCopiedToAnExportIsInTheImage() throws IOException {
        requireProgram("nbdcopy");
        requireProgram("qemu-img");
        Path file = folder.resolve("data.img");
        byte[] bytes = new byte[SIZE];
        byte[] some = new byte[SIZE / 2];
        new Random(1).nextBytes(some);
        System.arraycopy(some, 0, bytes, SIZE / 4, some.length);
        Files.write(file, bytes);
        RbdImageName name = cluster.image("32M");
        Path socket = folder.resolve("nbd.sock");
        NbdServer server = new NbdServer(NbdOptions.defaults());
        DeviceOptions options = DeviceOptions.defaults().withQueues(2).with(Feature.SHMEM_ZC);
        Device device = server.export("", "an image", cluster.open(name), options);
        try {
            server.listen(socket);
            String uri = "nbd+unix:///?socket=" + socket;
            String _ = TestCluster.output(List.of("nbdcopy", file.toString(), uri));
            assertThat(compare(file.toString(), uri)).contains("Images are identical");
            assertThat(TestCluster.output(List.of("nbdinfo", "--map", uri))).contains("hole,zero");
        } finally {
            server.close();
            device.close();
        }
        cluster.rbd("export", "--no-progress", name.toString(), folder.resolve("back.img") + "");
        assertThat(Files.mismatch(file, folder.resolve("back.img"))).isEqualTo(-1);
    }

    private static String compare(String one, String other) {
        return TestCluster.output(
                List.of("qemu-img", "compare", "-f", "raw", "-F", "raw", one, other));
    }
}
