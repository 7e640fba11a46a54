package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** fio's libblkio engine, which shares its buffers and verifies what it reads. */
final class FioClientTest {
    private static final Path FIO = Path.of("..", "scripts", "blkio-fio").toAbsolutePath();
    private static final int NOT_AVAILABLE = 125;

    @TempDir private Path folder;

    /** Building that fio takes minutes, once for each machine. */
    @BeforeAll
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    static void fioHasTheEngine() throws Exception {
        Process process =
                new ProcessBuilder(FIO.toString(), "--enghelp=libblkio")
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes());
        int status = process.waitFor();
        assumeTrue(status != NOT_AVAILABLE, output);
        assertThat(status).as(output).isZero();
    }

    private String fio(Path socket, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(FIO.toString());
        command.addAll(
                List.of(
                        "--name=job",
                        "--thread",
                        "--verify_state_save=0",
                        "--ioengine=libblkio",
                        "--libblkio_driver=virtio-blk-vhost-user",
                        "--libblkio_path=" + socket));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            Path output = Files.createTempFile(folder, "fio", ".log");
            process.getInputStream().transferTo(Files.newOutputStream(output));
            assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("fio ends").isTrue();
            assertThat(process.exitValue()).as(Files.readString(output)).isZero();
            return Files.readString(output);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void everyByteIsVerifiedAndNoneIsCopied() throws Exception {
        try (TestExport disk = new TestExport(new MemoryTarget(64 << 20), 1, folder)) {
            fio(
                    disk.socket(),
                    "--rw=randwrite",
                    "--bsrange=4k-128k",
                    "--iodepth=16",
                    "--size=64M",
                    "--verify=crc32c",
                    "--do_verify=1",
                    "--verify_fatal=1");
            DataCounters counters = disk.export.counters();
            assertThat(counters.hits()).isPositive();
            assertThat(counters.misses()).as(counters.toString()).isZero();
            assertThat(counters.bytesCopied()).isZero();
            assertThat(disk.export.bounces()).isZero();
            assertThat(disk.export.device().counters().copiedRequests()).isZero();
            assertThat(counters.bytesShared()).isGreaterThanOrEqualTo(2L * (64 << 20));
        }
    }

    @Test
    void aFileHoldsWhatFioHasWritten() throws Exception {
        Path file = folder.resolve("disk.img");
        Files.write(file, new byte[32 << 20]);
        Target target = new FileTarget(BackingFile.open(file, BackingFile.Caching.DIRECT, false));
        try (TestExport disk = new TestExport(target, 2, folder)) {
            fio(
                    disk.socket(),
                    "--rw=randwrite",
                    "--bs=16k",
                    "--iodepth=8",
                    "--size=32M",
                    "--fsync=64",
                    "--verify=pattern",
                    "--verify_pattern=0x5a",
                    "--do_verify=1",
                    "--verify_fatal=1");
            assertThat(disk.export.counters().misses()).isZero();
            assertThat(disk.export.counters().bytesCopied()).isZero();
        }
        for (byte each : Files.readAllBytes(file)) {
            if (each != 0x5a) {
                throw new AssertionError("a byte that fio has not written");
            }
        }
    }

    @Test
    void discardsAreTaken() throws Exception {
        try (TestExport disk = new TestExport(new MemoryTarget(16 << 20), 1, folder)) {
            fio(disk.socket(), "--rw=randtrim", "--bs=64k", "--iodepth=4", "--size=16M");
        }
    }

    @Test
    void aKilledFioLeavesTheDiskToTheNext() throws Exception {
        try (TestExport disk = new TestExport(new MemoryTarget(16 << 20), 1, folder)) {
            Process killed =
                    new ProcessBuilder(
                                    FIO.toString(),
                                    "--name=job",
                                    "--thread",
                                    "--ioengine=libblkio",
                                    "--libblkio_driver=virtio-blk-vhost-user",
                                    "--libblkio_path=" + disk.socket(),
                                    "--rw=randwrite",
                                    "--bs=4k",
                                    "--iodepth=32",
                                    "--size=16M",
                                    "--time_based",
                                    "--runtime=100")
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve("killed.log").toFile())
                            .start();
            try {
                awaitRequests(disk);
            } finally {
                killed.destroyForcibly().waitFor();
            }
            fio(disk.socket(), "--rw=randread", "--bs=4k", "--iodepth=32", "--size=16M");
        }
    }

    private static void awaitRequests(TestExport disk) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(4);
        while (disk.export.counters().hits() < 1000) {
            assertThat(System.nanoTime()).as("requests of fio").isLessThan(deadline);
            Thread.sleep(10);
        }
    }
}
