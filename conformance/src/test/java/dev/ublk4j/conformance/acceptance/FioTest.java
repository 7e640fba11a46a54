package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
            DeviceOptions.defaults().with(Mode.parse("zero-copy"));

    /** Registered buffers of a queue's ring; the last are those of its tags, two for each. */
    private static final int SLOTS = 1 << 14;

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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy",
                "get-data",
                "user-copy",
                "zero-copy",
                "manual-zero-copy",
                "copy,batch",
                "user-copy,batch",
                "zero-copy,batch",
                "manual-zero-copy,batch"
            })
    void findsWhatItWroteInEveryMode(String mode) throws IOException {
        Mode parsed = Mode.parse(mode);
        DeviceOptions options = DeviceOptions.defaults().with(parsed);
        boolean registers = parsed.data().isRegistered();
        DeviceCounters ofFile =
                verify(
                        new FileTarget(BackingFile.open(file(), BackingFile.Caching.DIRECT, false)),
                        options);
        assertThat(ofFile.registeredRequests() > 0).isEqualTo(registers);
        assertThat(ofFile.copiedRequests() > 0).isEqualTo(!registers);
        if (!registers) {
            verify(new MemoryTarget(SIZE), options);
        }
    }

    /** A file whose queues find the slots of every other tag taken. */
    private record InTheWay(FileTarget file, MemorySegment taken) implements Target, LeavesData {
        @Override
        public Geometry geometry() {
            return file.geometry();
        }

        @Override
        public TargetQueue open(Queue queue) {
            for (int tag = 0; tag < queue.depth(); tag += 2) {
                queue.ring()
                        .updateBuffer(
                                SLOTS - 2 * queue.depth() + tag, taken.address(), taken.byteSize());
            }
            return file.open(queue);
        }

        @Override
        public void close() {
            file.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zero-copy", "zero-copy,batch"})
    void findsWhatTheServerHadToRegisterWhereTheDriverCouldNot(String mode) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            FileTarget file =
                    new FileTarget(BackingFile.open(file(), BackingFile.Caching.DIRECT, false));
            MemorySegment taken = arena.allocate(4096, 4096);
            DeviceCounters counted =
                    verify(
                            new InTheWay(file, taken),
                            DeviceOptions.defaults().with(Mode.parse(mode)));
            assertThat(counted.registeredBytes()).isGreaterThan(24L << 20);
        }
    }

    @Test
    void nobodyCopiesForATargetThatLooksAtItsData() {
        try (KernelDriver driver = KernelDriver.open()) {
            assertThatThrownBy(() -> Device.start(driver, new MemoryTarget(SIZE), REGISTERED))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("zero-copy");
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
