package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** libblkio's own tools. */
final class BlkioToolsTest {
    private static final Path TOOL = Path.of("..", "scripts", "blkio-tool").toAbsolutePath();
    private static final String DRIVER = "virtio-blk-vhost-user";
    private static final int NOT_AVAILABLE = 125;
    private static final int SIZE = 16 << 20;

    @TempDir private Path folder;

    /** What they are built in is made once for each machine, which takes minutes. */
    @BeforeAll
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    static void theyAreBuilt() throws Exception {
        Process process =
                new ProcessBuilder(TOOL.toString(), "copy", "--help")
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes());
        assumeTrue(process.waitFor() != NOT_AVAILABLE, output);
    }

    private String run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(TOOL.toString()));
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile(folder, "tool", ".log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("the tool ends").isTrue();
            assertThat(process.exitValue()).as(Files.readString(output)).isZero();
            return Files.readString(output);
        } finally {
            process.destroyForcibly();
        }
    }

    private static String path(TestExport disk) {
        return "path=" + disk.socket();
    }

    @Test
    void learnTheSizeOfTheDisk() throws Exception {
        try (TestExport disk = new TestExport(new MemoryTarget(SIZE), 1, folder)) {
            assertThat(run("info", DRIVER, path(disk), "capacity"))
                    .contains(Integer.toString(SIZE));
        }
    }

    @Test
    void copyAnImageInAndOut() throws Exception {
        byte[] image = new byte[SIZE];
        new Random(17).nextBytes(image);
        Path in = Files.write(folder.resolve("in.img"), image);
        Path out = Files.createFile(folder.resolve("out.img"));
        try (TestExport disk = new TestExport(new MemoryTarget(SIZE), 1, folder)) {
            run("copy", "--input-file=" + in, "--output-blkio=" + DRIVER, path(disk));
            run("copy", "--input-blkio=" + DRIVER, path(disk), "--output-file=" + out);
            assertThat(disk.export.counters().misses()).isZero();
            assertThat(disk.export.device().counters().copiedRequests()).isZero();
        }
        assertThat(Files.mismatch(in, out)).isEqualTo(-1);
    }
}
