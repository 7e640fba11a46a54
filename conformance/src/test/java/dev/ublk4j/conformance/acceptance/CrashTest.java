package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.acceptance.CrashServer.Data;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Servers are killed at random moments under a load that checks what it reads, again and again.
 *
 * <p>What a killed server has answered is there for the next one, whatever it was doing; what it
 * has not answered is executed by the next one ({@link Recovery#REISSUE}), or fails ({@link
 * Recovery#WAIT}), which the load is told and takes into account.
 */
@Tag("kernel")
@Tag("any-kernel")
final class CrashTest {
    private static final long SIZE = 64L << 20;

    /** How many servers are killed for each way to serve; {@code conformance/crash} sets it. */
    private static final int CRASHES =
            Integer.parseInt(System.getenv().getOrDefault("UBLK4J_CRASHES", "1"));

    private static final int LOAD_DEPTH = 32;
    private static final long LARGEST_REQUEST = 64L << 10;

    @TempDir static Path common;
    private static Path archive;

    @TempDir Path folder;

    private final KernelDriver driver = KernelDriver.open();
    private final Random random = new Random(Long.getLong("ublk4j.seed", System.nanoTime()));
    private @Nullable LoadMemory memory;
    private int id = -1;
    private Process server;
    private int started;

    static Stream<Arguments> waysToServe() {
        return Stream.of(Recovery.REISSUE, Recovery.WAIT)
                .flatMap(recovery ->
                        Stream.of(Data.values()).map(data -> Arguments.of(data, recovery)));
    }

    private static void makeFile(Path folder) throws IOException {
        try (RandomAccessFile made =
                new RandomAccessFile(folder.resolve(CrashServer.DISK).toFile(), "rw")) {
            made.setLength(SIZE);
        }
    }

    /**
     * One server ends in order, so that the others find its classes in an archive and start soon.
     */
    @BeforeAll
    static void archiveClasses() throws IOException, InterruptedException {
        Path trial = common;
        archive = trial.resolve("classes.jsa");
        makeFile(trial);
        Path live = trial.resolve("live");
        Path output = trial.resolve("server.txt");
        Process server =
                CrashServer.start(
                        archive, live, output, trial, Data.COPY, Recovery.WAIT, CrashServer.NEW);
        server.destroy();
        server.waitFor();
        try (KernelDriver driver = KernelDriver.open()) {
            new Control(driver).delete(Integer.parseInt(Files.readString(live)));
        }
        assertThat(archive).as(Files.readString(output)).exists();
    }

    @BeforeEach
    void makeFile() throws IOException {
        makeFile(folder);
    }

    @AfterEach
    void delete() throws InterruptedException {
        if (server != null) {
            server.destroyForcibly().waitFor();
        }
        if (id >= 0) {
            try {
                new Control(driver).delete(id);
            } catch (LinuxException e) {
                assertThat(e).hasMessageContaining("ENODEV");
            }
        }
        driver.close();
        if (memory != null) {
            memory.end();
        }
    }

    private Path announcement() {
        return folder.resolve("live-" + started++);
    }

    /** A load that writes every block once, reads it back, and does so twice. */
    private Process load(Recovery recovery) throws IOException {
        return Shell.start(
                """
                exec fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                    --iodepth=%d --rw=randwrite --bsrange=4k-%d --bs_unaligned=0 --size=16M --loops=2 \
                    --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 \
                    --randseed=%d %s %s
                """
                        .formatted(
                                id,
                                LOAD_DEPTH,
                                LARGEST_REQUEST,
                                random.nextInt(Integer.MAX_VALUE),
                                recovery == Recovery.REISSUE ? "" : "--continue_on_error=io",
                                memory == null ? "" : "--iomem=mmapshared:" + memory.path()),
                folder.resolve("fio.txt"));
    }

    private String loadOutput() throws IOException {
        return Files.readString(folder.resolve("fio.txt"));
    }

    private boolean isBusy(long before, int requests) {
        return ServerDeathTest.isBusy(id, before + requests) && (memory == null || memory.isUsed());
    }

    private Process serve(Path live, Data data, Recovery recovery, int number) throws IOException {
        return CrashServer.start(
                archive, live, folder.resolve("server.txt"), folder, data, recovery, number);
    }

    private void killAndRecover(Data data, Recovery recovery) throws Exception {
        server.destroyForcibly().waitFor();
        Control control = new Control(driver);
        Pause.until(
                "the device waits",
                () -> control.info(id).state() == DeviceState.UBLK_S_DEV_QUIESCED);
        server = serve(announcement(), data, recovery, id);
        if (memory != null) {
            memory.claim(id);
        }
    }

    @ParameterizedTest
    @MethodSource("waysToServe")
    @Timeout(value = 1, unit = TimeUnit.DAYS)
    void fioFindsEveryByteHoweverOftenTheServerIsKilled(Data data, Recovery recovery)
            throws Exception {
        Control control = new Control(driver);
        for (Feature feature : Feature.of(data.features())) {
            assumeTrue(!control.lacks(feature), () -> "this kernel has no " + feature);
        }
        Path live = announcement();
        if (data == Data.SHARED_MEMORY) {
            memory = LoadMemory.create(folder, LOAD_DEPTH * LARGEST_REQUEST);
        }
        server = serve(live, data, recovery, CrashServer.NEW);
        id = Integer.parseInt(Files.readString(live));
        if (memory != null) {
            memory.share(id);
        }
        int killed = 0;
        while (killed < CRASHES) {
            Process load = load(recovery);
            try {
                while (load.isAlive() && killed < CRASHES) {
                    int requests = 1 + random.nextInt(400);
                    long before = ServerDeathTest.writes(id);
                    Pause.until(
                            "there is load, or its end",
                            () -> isBusy(before, requests) || !load.isAlive());
                    if (load.isAlive()) {
                        killAndRecover(data, recovery);
                        killed++;
                    }
                }
                assertThat(load.waitFor()).as(loadOutput()).isZero();
                assertThat(loadOutput()).doesNotContain("verify failed", "verify: bad");
            } finally {
                load.destroyForcibly().waitFor();
            }
        }
        System.out.println(
                "killed %d servers of %s, %s: every byte verified"
                        .formatted(killed, data, recovery));
    }
}
