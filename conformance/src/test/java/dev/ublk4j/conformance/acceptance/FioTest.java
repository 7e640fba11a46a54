package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** fio writes, reads back and compares checksums. */
@Tag("kernel")
final class FioTest {
    private static final long SIZE = 64L << 20;
    private static final DeviceOptions REGISTERED =
            DeviceOptions.defaults().with(Feature.SUPPORT_ZERO_COPY).with(Feature.AUTO_BUF_REG);

    @TempDir Path folder;

    private static void verify(Target target, int queues) {
        DeviceCounters counted = verify(target, DeviceOptions.defaults().withQueues(queues));
        assertThat(counted.copiedRequests()).isPositive();
        assertThat(counted.registeredRequests()).isZero();
    }

    private static DeviceCounters verify(Target target, DeviceOptions options) {
        assumeTrue(
                Runtime.getRuntime().availableProcessors() >= options.queues(),
                "a queue needs a processor");
        try (KernelDriver driver = KernelDriver.open();
                Device device = Device.start(driver, target, options)) {
            assertThat(device.info().queues()).isEqualTo(options.queues());
            assertThat(device.info().flags() & options.features()).isEqualTo(options.features());
            String output =
                    Shell.run(
                            """
                            fio --name=verify --verify_state_save=0 --filename=/dev/ublkb%d --direct=1 \
                                --ioengine=libaio --iodepth=32 --rw=randrw --rwmixread=30 \
                                --bsrange=512-128k --size=24M --randseed=7 \
                                --verify=crc32c --verify_fatal=1 --do_verify=1 --group_reporting
                            """
                                    .formatted(device.id()));
            assertThat(output).contains("err= 0").doesNotContain("verify failed");
            return device.counters();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void findsWhatItWroteToMemory(int queues) {
        verify(new MemoryTarget(SIZE), queues);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void findsWhatItWroteToAFilePastThePageCache(int queues) throws IOException {
        verify(new FileTarget(BackingFile.open(file(), BackingFile.Caching.DIRECT, false)), queues);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void findsWhatItWroteToAFileThroughThePageCache(int queues) throws IOException {
        verify(
                new FileTarget(BackingFile.open(file(), BackingFile.Caching.BUFFERED, false)),
                queues);
    }

    @Test
    void findsWhatTheServerCopiedItself() throws IOException {
        DeviceOptions options = DeviceOptions.defaults().with(Feature.USER_COPY);
        verify(new MemoryTarget(SIZE), options);
        verify(
                new FileTarget(BackingFile.open(file(), BackingFile.Caching.DIRECT, false)),
                options.withQueues(2));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void findsWhatNobodyCopied(int queues) throws IOException {
        DeviceCounters counted =
                verify(
                        new FileTarget(BackingFile.open(file(), BackingFile.Caching.DIRECT, false)),
                        REGISTERED.withQueues(queues));
        assertThat(counted.copiedRequests()).isZero();
        assertThat(counted.registeredBytes()).isGreaterThan(24L << 20);
    }

    @Test
    void nobodyCopiesForATargetThatLooksAtItsData() {
        try (KernelDriver driver = KernelDriver.open()) {
            assertThatThrownBy(() -> Device.start(driver, new MemoryTarget(SIZE), REGISTERED))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("AUTO_BUF_REG");
        }
    }

    private Path file() throws IOException {
        Path path = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return path;
    }
}
