package dev.ublk4j.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An image on a file system that has no room left: one in memory, in a mount namespace. */
class FullFileSystemTest {
    private static final int CLUSTER = 4096;

    /** What an L2 table is about. */
    private static final long STRIDE = (long) CLUSTER * CLUSTER / Long.BYTES;

    private static final long TABLES = 128;
    private static final String MOUNT = "mount -t tmpfs -o size=512k tmpfs \"$1\" && ";

    @TempDir Path folder;

    @BeforeAll
    static void tools() {
        QemuImg.require();
    }

    /** Fills an image until nothing can be written, and ends in order. */
    static final class Filler {
        private Filler() {}

        /** Fills an image, with so many clusters that need no table of their own. */
        public static void main(String[] args) throws IOException {
            Path image = Path.of(args[0]);
            new NewImage(TABLES * STRIDE, CLUSTER, null, null).create(image);
            int failed = 0;
            try (TestBed bed =
                    TestBed.of(Qcow2Target.open(image, Qcow2Options.of(Caching.BUFFERED)))) {
                for (int i = 0; i < Integer.parseInt(args[1]); i++) {
                    bed.write((long) i * CLUSTER, new byte[CLUSTER]);
                }
                for (long at = STRIDE; at < TABLES * STRIDE; at += STRIDE) {
                    try {
                        bed.write(at, new byte[CLUSTER]);
                    } catch (LinuxException e) {
                        failed++;
                    }
                }
            }
            System.out.println(failed + " have failed");
        }
    }

    /** Where a cluster and its table alternate, the room ends before the one or the other. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void writesThatFailLeaveNoClusterCountedThatIsNotUsed(int clusters) {
        assumeTrue(
                QemuImg.tryRun(folder, "unshare", "-rm", "sh", "-c", MOUNT + "true", "sh", folder)
                                .status()
                        == 0,
                "no file system can be mounted in a namespace here");
        Path image = folder.resolve("disk.qcow2");
        QemuImg.Result result =
                QemuImg.tryRun(
                        folder,
                        "unshare",
                        "-rm",
                        "sh",
                        "-c",
                        MOUNT + "shift && \"$@\" && qemu-img check -f qcow2 " + image,
                        "sh",
                        folder,
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Filler.class.getName(),
                        image,
                        clusters);
        assertThat(result.output())
                .containsPattern("[1-9][0-9]* have failed")
                .contains("No errors were found on the image");
        assertThat(result.status()).as(result.output()).isZero();
    }
}
