package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A live device goes from one server to the next, again and again. */
@Tag("kernel")
@Tag("any-kernel")
final class HandoverTest {
    private static final int CYCLES = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final long SIZE = 64L << 20;

    @TempDir Path folder;

    private final KernelDriver driver = KernelDriver.open();
    private Path file;
    private Device device;

    @BeforeEach
    void makeFile() throws IOException {
        file = folder.resolve("disk.img");
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(SIZE);
        }
    }

    @AfterEach
    void close() {
        if (device != null) {
            device.close();
        }
        driver.close();
    }

    private Target target() {
        return new FileTarget(BackingFile.open(file, BackingFile.Caching.DIRECT, false));
    }

    private void handOver() {
        device.quiesce(PATIENCE);
        device.close();
        assertThat(device.isLeft()).isTrue();
        device = Device.recover(driver, device.id(), target(), Inheritance.none());
    }

    private void handOverUnderLoad(DeviceOptions options) throws Exception {
        device = Device.start(driver, target(), options);
        int id = device.id();
        Process load =
                Shell.start(
                        """
                        exec fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                            --iodepth=32 --rw=randwrite --bs=4k --size=16M --loops=1000 \
                            --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0
                        """
                                .formatted(id),
                        folder.resolve("fio.txt"));
        try {
            for (int cycle = 0; cycle < CYCLES; cycle++) {
                long before = ServerDeathTest.writes(id);
                Pause.until(
                        "there is load",
                        () -> ServerDeathTest.isBusy(id, before + 20) || !load.isAlive());
                handOver();
                assertThat(load.isAlive()).as(output()).isTrue();
            }
            // fio ends in order, and says what went wrong until then.
            Shell.run("kill -INT " + load.pid());
            load.waitFor();
            assertThat(output()).contains("err= 0").doesNotContain("verify: bad", "Input/output");
            assertThat(device.statistics().failed()).isZero();
        } finally {
            load.destroyForcibly().waitFor();
        }
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("fio.txt"));
    }

    @ParameterizedTest
    @EnumSource(names = {"WAIT", "REISSUE"})
    void noApplicationNoticesThatServersReplaceEachOther(Recovery recovery) throws Exception {
        handOverUnderLoad(DeviceOptions.defaults().with(recovery));
    }

    @Test
    void noApplicationNoticesItWithoutCopiesEither() throws Exception {
        handOverUnderLoad(
                DeviceOptions.defaults()
                        .with(Recovery.REISSUE)
                        .with(Feature.SUPPORT_ZERO_COPY)
                        .with(Feature.AUTO_BUF_REG));
    }

    @Test
    void whatFailsWhileNobodyServesFailsThenAlone() {
        device = Device.start(driver, target(), DeviceOptions.defaults().with(Recovery.FAIL));
        String write = "dd if=/dev/urandom of=/dev/ublkb%d bs=64k count=4 oflag=direct status=none";
        for (int cycle = 0; cycle < CYCLES; cycle++) {
            Shell.run(write.formatted(device.id()));
            device.quiesce(PATIENCE);
            device.close();
            Control control = new Control(driver);
            Pause.until(
                    "requests fail",
                    () -> control.info(device.id()).state() == DeviceState.UBLK_S_DEV_FAIL_IO);
            assertThat(Shell.tryRun(write.formatted(device.id())).status()).isNotZero();
            device = Device.recover(driver, device.id(), target(), Inheritance.none());
        }
        Shell.run(write.formatted(device.id()));
    }
}
