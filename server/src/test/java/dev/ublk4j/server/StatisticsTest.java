package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.Sectors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A device's statistics and size")
class StatisticsTest {
    private static final int PAGE = 4096;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment page = Mapping.anonymous(PAGE, Mapping.MAP_PRIVATE, arena);

    @AfterEach
    void close() {
        driver.close();
        arena.close();
    }

    /** A disk that can be made larger, in name. */
    private static final class ElasticDisk extends TestDisk implements Resizable {
        volatile long size = SIZE;

        @Override
        public void resize(long bytes) {
            if (bytes > 4L * SIZE) {
                throw new IllegalArgumentException("no room");
            }
            size = bytes;
        }
    }

    private Device start(Target target) {
        return Device.start(driver, target, DeviceOptions.defaults().withDepth(16));
    }

    @Test
    void requestsAreCountedByOperationAndErrorsWithThem() {
        Target target =
                new TestDisk() {
                    @Override
                    public int write(Request request) {
                        return request.offset() == 0
                                ? Errno.ENOSPC.negated()
                                : super.write(request);
                    }
                };
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            disk.write(page, 0);
            disk.write(page, PAGE);
            disk.read(page, PAGE);
            disk.read(page, PAGE);
            disk.flush();

            DeviceStatistics statistics = device.statistics();
            assertThat(statistics.operations())
                    .containsEntry("read", 2L)
                    .containsEntry("write", 2L)
                    .containsEntry("flush", 1L)
                    .hasSize(3);
            assertThat(statistics.failed()).isEqualTo(1);
            assertThat(statistics.out()).isZero();
            assertThat(statistics.slots()).isEqualTo(16);
            assertThat(statistics.latency().samples()).isPositive();
            assertThat(statistics.latency().maxNanos())
                    .isGreaterThanOrEqualTo(statistics.latency().medianNanos());
            assertThat(device.driverCounters()).isPresent();
        }
    }

    @Test
    void theFirstRequestsOfAQueueAreTimedAndThenFew() {
        try (Device device = start(new TestDisk());
                Disk disk = driver.openBlock(device.id())) {
            for (int i = 0; i < 64; i++) {
                disk.read(page, 0);
            }
            assertThat(device.statistics().latency().samples()).isEqualTo(64);
            for (int i = 0; i < 1000; i++) {
                disk.read(page, 0);
            }
            assertThat(device.statistics().latency().samples()).isBetween(65L, 80L);
        }
    }

    @Test
    void requestsThatTheTargetHasAreCountedAsOut() throws Exception {
        BlockingQueue<Request> pending = new LinkedBlockingQueue<>();
        Target target =
                new TestDisk() {
                    @Override
                    public int read(Request request) {
                        pending.add(request);
                        return Request.PENDING;
                    }
                };
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            Thread reader = Thread.startVirtualThread(() -> disk.read(page, 0));
            Request request = pending.take();
            assertThat(device.statistics().out()).isEqualTo(1);
            request.queue().complete(request.id(), PAGE);
            reader.join();
            assertThat(device.statistics().out()).isZero();
        }
    }

    @Test
    void aDeviceGrowsWithItsTarget() {
        ElasticDisk target = new ElasticDisk();
        try (Device device = start(target)) {
            device.resize(2L * TestDisk.SIZE);

            assertThat(target.size).isEqualTo(2L * TestDisk.SIZE);
            assertThat(device.geometry().size()).isEqualTo(2L * TestDisk.SIZE);
            assertThat(new Control(driver).params(device.id()).basic())
                    .isNotNull()
                    .extracting(basic -> basic.devSectors())
                    .isEqualTo(2L * TestDisk.SIZE / Sectors.SIZE);
            assertThatThrownBy(() -> device.resize(5L * TestDisk.SIZE)).hasMessage("no room");
            assertThatThrownBy(() -> device.resize(1000)).hasMessageContaining("not a multiple of");
            assertThat(device.geometry().size()).isEqualTo(2L * TestDisk.SIZE);
        }
    }

    @Test
    void aSizeThatIsFixedIsNotChanged() {
        try (Device device = start(new TestDisk())) {
            assertThatThrownBy(() -> device.resize(2L * TestDisk.SIZE))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 7, 8, 9, 15, 16, 1000, 1_000_000, 123_456_789, 1L << 60})
    void aTimeFallsIntoABucketThatEndsAtMostAnEighthLater(long nanos) {
        long longest = Latency.longest(Latency.bucket(nanos));
        assertThat(longest).isBetween(nanos, nanos + nanos / 8);
        assertThat(Latency.bucket(longest)).isEqualTo(Latency.bucket(nanos));
    }

    @Test
    void quantilesAreThoseOfTheCounts() {
        long[] counts = new long[Latency.BUCKETS];
        for (int nanos = 1; nanos <= 1000; nanos++) {
            counts[Latency.bucket(nanos)]++;
        }
        Latency latency = Latency.of(counts);

        assertThat(latency.samples()).isEqualTo(1000);
        assertThat(latency.medianNanos()).isBetween(500L, 563L);
        assertThat(latency.p99Nanos()).isBetween(990L, 1115L);
        assertThat(latency.maxNanos()).isBetween(1000L, 1125L);
        assertThat(Latency.of(new long[Latency.BUCKETS])).isEqualTo(new Latency(0, 0, 0, 0));
    }
}
