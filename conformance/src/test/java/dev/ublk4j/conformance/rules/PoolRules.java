package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.bench.RegistrationSoak;
import dev.ublk4j.cli.demo.pagecache.PageCacheDemo;
import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.PoolOptions;
import dev.ublk4j.client.PooledBuffer;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What an application may rely on that shares a pool of buffers with a device. */
public abstract class PoolRules extends LaneRules {
    private static final int BUFFER = 64 * 1024;
    private static final int COUNT = 8;

    protected PoolRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private ServedBlockDevice over(SharedDevice shared) {
        return new ServedBlockDevice(lane().driver(), shared.device(), shared.path());
    }

    /** Writes and reads back all buffers together, and tells what the server saw of it. */
    private static DeviceCounters transfer(
            SharedDevice shared, SharedBufferPool pool, DeviceChannel channel, int seed) {
        DeviceCounters before = shared.device().counters();
        PooledBuffer[] buffers = new PooledBuffer[COUNT];
        for (int i = 0; i < COUNT; i++) {
            buffers[i] = pool.acquire();
            pattern(buffers[i].memory(), seed + i);
            // Apart from each other, so that no two requests are made one.
            channel.write(buffers[i], 2L * i * BUFFER);
        }
        channel.runAll();
        channel.flush();
        for (int i = 0; i < COUNT; i++) {
            buffers[i].memory().fill((byte) 0);
            channel.read(buffers[i], 2L * i * BUFFER);
        }
        channel.runAll();
        byte[] bytes = new byte[BUFFER];
        for (int i = 0; i < COUNT; i++) {
            MemorySegment expected = pattern(MemorySegment.ofArray(bytes), seed + i);
            assertThat(buffers[i].memory().mismatch(expected)).as("buffer %d", i).isEqualTo(-1);
            buffers[i].release();
        }
        DeviceCounters after = shared.device().counters();
        return new DeviceCounters(
                after.sharedRequests() - before.sharedRequests(),
                after.sharedBytes() - before.sharedBytes(),
                after.copiedRequests() - before.copiedRequests(),
                after.copiedBytes() - before.copiedBytes());
    }

    private static void assertShared(DeviceCounters counted) {
        assertThat(counted.copiedRequests()).isZero();
        assertThat(counted.sharedBytes()).isEqualTo(2L * COUNT * BUFFER);
    }

    private static void assertCopied(DeviceCounters counted) {
        assertThat(counted.sharedRequests()).isZero();
        assertThat(counted.copiedBytes()).isEqualTo(2L * COUNT * BUFFER);
    }

    private void everyRequestIsShared(PoolOptions options) {
        try (SharedDevice shared = SharedDevice.live(lane());
                SharedBufferPool pool = SharedBufferPool.create(options);
                Attachment attachment = pool.attach(over(shared));
                DeviceChannel channel = attachment.open(COUNT)) {
            assertThat(attachment.refusal()).isNull();
            assertThat(pool.isShared()).isTrue();
            assertShared(transfer(shared, pool, channel, 1));
        }
    }

    @Test
    void everyRequestFromAPoolIsSharedWhateverItsPages() {
        everyRequestIsShared(PoolOptions.of(BUFFER, COUNT));
        everyRequestIsShared(PoolOptions.of(BUFFER, COUNT).withoutHugePages());
    }

    @Test
    void aPoolThatIsDetachedLeavesNothingWithTheServer() {
        try (SharedDevice shared = SharedDevice.live(lane());
                SharedBufferPool pool = SharedBufferPool.create(BUFFER, COUNT)) {
            for (int i = 0; i < 3; i++) {
                try (Attachment attachment = pool.attach(over(shared))) {
                    assertThat(attachment.isShared()).isTrue();
                    assertThat(shared.buffers()).isEqualTo(1);
                }
                shared.awaitNothing();
            }
        }
    }

    @Test
    void sharingMayComeAndGoUnderAnOpenChannel() {
        try (SharedDevice shared = SharedDevice.live(lane());
                SharedBufferPool pool = SharedBufferPool.create(BUFFER, COUNT);
                Attachment attachment = pool.attach(over(shared));
                DeviceChannel channel = attachment.open(COUNT)) {
            for (int i = 0; i < 3; i++) {
                attachment.unshare();
                assertCopied(transfer(shared, pool, channel, 2 * i));
                assertThat(attachment.share()).isTrue();
                assertShared(transfer(shared, pool, channel, 2 * i + 1));
            }
        }
    }

    @Test
    void aServerThatStopsSharingIsNoticedAndFoundAgainWhenItResumes() {
        try (SharedDevice shared = SharedDevice.live(lane());
                SharedBufferPool pool = SharedBufferPool.create(BUFFER, COUNT);
                Attachment attachment = pool.attach(over(shared));
                DeviceChannel channel = attachment.open(COUNT)) {
            assertShared(transfer(shared, pool, channel, 1));
            shared.stopSharing();
            Pause.until("the end is noticed", () -> !attachment.isShared());
            assertThat(attachment.share()).isFalse();
            assertThat(attachment.refusal())
                    .extracting(LinuxException::errno)
                    .isEqualTo(Errno.ENOENT);
            assertCopied(transfer(shared, pool, channel, 2));
            attachment.keepShared(Duration.ofMillis(20));
            shared.shareAgain();
            Pause.until("the server is found", attachment::isShared);
            assertShared(transfer(shared, pool, channel, 3));
        }
    }

    @Test
    void twoPoolsShareOneDevice() {
        try (SharedDevice shared = SharedDevice.live(lane());
                SharedBufferPool one = SharedBufferPool.create(BUFFER, COUNT);
                SharedBufferPool two = SharedBufferPool.create(BUFFER, COUNT);
                Attachment first = one.attach(over(shared));
                Attachment second = two.attach(over(shared));
                DeviceChannel firstChannel = first.open(COUNT);
                DeviceChannel secondChannel = second.open(COUNT)) {
            assertShared(transfer(shared, one, firstChannel, 1));
            assertShared(transfer(shared, two, secondChannel, 2));
            first.unshare();
            assertCopied(transfer(shared, one, firstChannel, 3));
            assertShared(transfer(shared, two, secondChannel, 4));
        }
    }

    @Test
    void randomPartsOfBuffersAreSharedToo() {
        SplittableRandom random = new SplittableRandom(5);
        try (SharedDevice shared = SharedDevice.live(lane());
                SharedBufferPool pool = SharedBufferPool.create(BUFFER, 1);
                Attachment attachment = pool.attach(over(shared));
                DeviceChannel channel = attachment.open(1)) {
            PooledBuffer buffer = pool.acquire();
            for (int i = 0; i < 50; i++) {
                int offset = random.nextInt(BUFFER / 512) * 512;
                int length = (random.nextInt((BUFFER - offset) / 512) + 1) * 512;
                pattern(buffer.memory(), i);
                channel.write(buffer, offset, length, 4096);
                channel.runAll();
                buffer.memory().fill((byte) 0);
                channel.read(buffer, offset, length, 4096);
                channel.runAll();
                MemorySegment expected =
                        pattern(MemorySegment.ofArray(new byte[BUFFER]), i).asSlice(offset, length);
                assertThat(buffer.memory().asSlice(offset, length).mismatch(expected))
                        .isEqualTo(-1);
            }
            assertThat(shared.device().counters().copiedRequests()).isZero();
        }
    }

    /** {@code ./bench soak} does the same a hundred thousand times. */
    @Test
    void sharingThatComesAndGoesUnderLoadLosesNoData() {
        RegistrationSoak.Outcome outcome = new RegistrationSoak(lane().driver(), 300).run();
        assertThat(outcome.verified()).isPositive();
        assertThat(outcome.shared()).isPositive();
        assertThat(outcome.copied() + outcome.shared())
                .isGreaterThanOrEqualTo(2 * outcome.verified());
    }

    @Test
    void aPageCacheFindsEveryPageAsItWasLeft() {
        try (SharedDevice shared = SharedDevice.live(lane())) {
            PageCacheDemo.Outcome outcome = new PageCacheDemo(over(shared), 16384, 32, 100).run();
            assertThat(outcome.rows())
                    .extracting(PageCacheDemo.Row::shared)
                    .containsExactly(false, true);
        }
    }
}
