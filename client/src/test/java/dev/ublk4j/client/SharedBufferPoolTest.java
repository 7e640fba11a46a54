package dev.ublk4j.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.Seal;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedBufferPoolTest {
    private static final int BUFFER = 16 * 1024;
    private static final int COUNT = 8;

    private final HeldDevice held = new HeldDevice();

    @TempDir Path folder;

    private static SharedBufferPool pool() {
        return SharedBufferPool.create(PoolOptions.of(BUFFER, COUNT).withoutHugePages());
    }

    private static byte first(PooledBuffer buffer) {
        return buffer.memory().get(ValueLayout.JAVA_BYTE, 0);
    }

    private Path file(long bytes) throws IOException {
        Path path = folder.resolve("disk");
        try (RandomAccessFile disk = new RandomAccessFile(path.toFile(), "rw")) {
            disk.setLength(bytes);
        }
        return path;
    }

    @Test
    void whatIsWrittenFromABufferIsReadBackIntoAnother() throws IOException {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(file((long) COUNT * BUFFER));
                DeviceChannel channel = device.open(4)) {
            PooledBuffer from = pool.acquire();
            PooledBuffer to = pool.acquire();
            for (int i = 0; i < COUNT; i++) {
                from.memory().fill((byte) (i + 1));
                channel.write(from, (long) i * BUFFER);
                channel.runAll();
            }
            channel.flush();
            for (int i = 0; i < COUNT; i++) {
                channel.read(to, (long) i * BUFFER);
                channel.runAll();
                assertThat(first(to)).isEqualTo((byte) (i + 1));
            }
            channel.read(to, 4096, 4096, BUFFER);
            channel.runAll();
            assertThat(first(to)).as("outside the part that was read").isEqualTo((byte) COUNT);
            assertThat(to.memory().get(ValueLayout.JAVA_BYTE, 4096)).isEqualTo((byte) 2);
        }
    }

    @Test
    void aDeviceWhoseServerSharesNothingIsUsedAllTheSameAndSaysWhy() throws IOException {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(file(BUFFER));
                DeviceChannel channel = device.open(1)) {
            assertThat(device.isShared()).isFalse();
            assertThat(pool.isShared()).isFalse();
            assertThat(device.refusal()).isNotNull().hasMessageContaining("disk");
            channel.write(pool.acquire(), 0);
            channel.runAll();
        }
    }

    @Test
    void theMemoryCanNeitherShrinkNorGrow() {
        try (SharedBufferPool pool = pool()) {
            assertThat(pool.file().seals()).contains(Seal.SHRINK, Seal.GROW);
            assertThatThrownBy(() -> pool.file().fd().truncate(4096))
                    .isInstanceOf(LinuxException.class);
        }
    }

    @Test
    void everyBufferIsOutOnceAndComesBack() {
        try (SharedBufferPool pool = pool()) {
            List<PooledBuffer> out = new ArrayList<>();
            for (int i = 0; i < COUNT; i++) {
                out.add(pool.acquire());
            }
            assertThat(out).doesNotHaveDuplicates();
            assertThat(pool.acquireOrNull()).isNull();
            assertThatThrownBy(pool::acquire).isInstanceOf(PoolExhaustedException.class);
            out.get(3).release();
            assertThat(pool.acquire()).isSameAs(out.get(3));
        }
    }

    @Test
    void buffersDoNotOverlap() {
        try (SharedBufferPool pool = pool()) {
            for (int i = 0; i < COUNT; i++) {
                pool.acquire().memory().fill((byte) (i + 1));
            }
            for (int i = 0; i < COUNT; i++) {
                MemorySegment expected = MemorySegment.ofArray(new byte[BUFFER]);
                expected.fill((byte) (i + 1));
                assertThat(pool.buffer(i).memory().mismatch(expected)).isEqualTo(-1);
            }
        }
    }

    @Test
    void aBufferCannotBeReleasedTwice() {
        try (SharedBufferPool pool = pool()) {
            PooledBuffer buffer = pool.acquire();
            buffer.release();
            assertThatThrownBy(buffer::release)
                    .isInstanceOf(BufferInUseException.class)
                    .hasMessageContaining("FREE");
        }
    }

    @Test
    void aBufferWithARequestUnderWayCanNeitherBeReleasedNorUsedAgain() {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(held);
                DeviceChannel channel = device.open(4)) {
            PooledBuffer buffer = pool.acquire();
            held.holding = true;
            channel.write(buffer, 0);
            channel.run(0);
            assertThatThrownBy(buffer::release).isInstanceOf(BufferInUseException.class);
            assertThatThrownBy(() -> channel.read(buffer, 0))
                    .isInstanceOf(BufferInUseException.class);
            assertThat(channel.requestsUnderWay()).isEqualTo(1);
            held.holding = false;
            channel.runAll();
            buffer.release();
        }
    }

    @Test
    void aBufferThatIsNotCheckedOutOrOfAnotherPoolIsRefused() {
        try (SharedBufferPool pool = pool();
                SharedBufferPool other = pool();
                Attachment device = pool.attach(held);
                DeviceChannel channel = device.open(4)) {
            PooledBuffer released = pool.acquire();
            released.release();
            assertThatThrownBy(() -> channel.write(released, 0))
                    .isInstanceOf(BufferInUseException.class);
            assertThatThrownBy(() -> channel.write(other.acquire(), 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> channel.write(pool.acquire(), 4096, BUFFER, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(channel.requestsUnderWay()).isZero();
        }
    }

    @Test
    void aPoolCannotBeFreedWhileARequestIsUnderWay() {
        SharedBufferPool pool = pool();
        Attachment device = pool.attach(held);
        DeviceChannel channel = device.open(4);
        PooledBuffer buffer = pool.acquire();
        held.holding = true;
        channel.write(buffer, 0);
        assertThatThrownBy(pool::close)
                .isInstanceOf(PoolInUseException.class)
                .hasMessageContaining("1 requests under way");
        assertThatThrownBy(device::close).isInstanceOf(PoolInUseException.class);
        buffer.memory().fill((byte) 1);
        assertThat(device.isShared()).as("nothing was undone").isTrue();

        channel.close();
        assertThat(first(buffer)).isEqualTo((byte) 1);
        pool.close();
        pool.close();
        assertThatThrownBy(() -> first(buffer)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aChannelThatIsClosedHandsOverWhatWasUnderWay() {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(held)) {
            List<PooledBuffer> ended = new ArrayList<>();
            DeviceChannel channel = device.open(4, (buffer, result) -> ended.add(buffer));
            PooledBuffer one = pool.acquire();
            PooledBuffer two = pool.acquire();
            held.holding = true;
            channel.write(one, 0);
            channel.read(two, BUFFER);
            channel.close();
            channel.close();
            assertThat(ended).containsExactly(one, two);
            assertThatThrownBy(() -> channel.read(one, 0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
        }
    }

    @Test
    void nothingCanBeOpenedOnADetachedDeviceOrAttachedToAClosedPool() {
        SharedBufferPool pool = pool();
        Attachment device = pool.attach(held);
        assertThat(pool.isShared()).isTrue();
        device.close();
        assertThat(device.isShared()).isFalse();
        assertThat(pool.isShared()).isFalse();
        assertThatThrownBy(() -> device.open(1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(device::share).isInstanceOf(IllegalStateException.class);
        pool.close();
        assertThatThrownBy(() -> pool.attach(held)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aFailedRequestIsToldAsWhatItIs() throws IOException {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(file(4096));
                DeviceChannel channel = device.open(1)) {
            PooledBuffer buffer = pool.acquire();
            channel.read(buffer, 0);
            assertThatThrownBy(channel::runAll)
                    .as("a short read")
                    .isInstanceOfSatisfying(
                            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO))
                    .hasMessageContaining("4096 of " + BUFFER);
            channel.read(buffer, 0, 4096, -4096);
            assertThatThrownBy(channel::runAll)
                    .as("before the device begins")
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
            buffer.release();
        }
    }

    @Test
    void aServerThatHasComeBackIsAskedAgain() {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(held)) {
            assertThat(device.share()).isTrue();
            assertThat(held.timesShared).isEqualTo(1);
            held.killServer();
            assertThat(device.isShared()).isFalse();
            assertThat(device.share()).isFalse();
            assertThat(device.refusal())
                    .extracting(LinuxException::errno)
                    .isEqualTo(Errno.ECONNREFUSED);
            held.serverIsThere = true;
            assertThat(device.share()).isTrue();
            assertThat(device.refusal()).isNull();
            assertThat(held.timesShared).isEqualTo(2);
            device.unshare();
            assertThat(device.isShared()).isFalse();
            assertThat(pool.isShared()).isFalse();
        }
    }

    @Test
    void aServerThatHasComeBackIsAskedWithoutTheApplicationsDoing() throws InterruptedException {
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(held)) {
            device.keepShared(Duration.ofMillis(1));
            held.killServer();
            assertThat(device.isShared()).isFalse();
            held.serverIsThere = true;
            assertThat(isSharedWithin(device, Duration.ofMinutes(4))).isTrue();
            device.unshare();
            assertThat(isSharedWithin(device, Duration.ofMillis(20))).isFalse();
        }
    }

    private static boolean isSharedWithin(Attachment device, Duration time)
            throws InterruptedException {
        long deadline = System.nanoTime() + time.toNanos();
        while (!device.isShared() && System.nanoTime() < deadline) {
            Thread.sleep(1);
        }
        return device.isShared();
    }

    @Test
    void sizesThatNoDriverTakesAreRefused() {
        assertThatThrownBy(() -> PoolOptions.of(1000, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PoolOptions.of(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PoolOptions.of(4096, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PoolOptions.of(1 << 20, 4097))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(PoolOptions.of(1 << 20, 4096).bytes()).isEqualTo(4L << 30);
    }

    @Test
    void readingAndWritingAllocatesNothing() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int requests = 20_000;
        try (SharedBufferPool pool = pool();
                Attachment device = pool.attach(file(BUFFER));
                DeviceChannel channel = device.open(4, (buffer, result) -> buffer.release())) {
            long least = Long.MAX_VALUE;
            // The rounds before everything is compiled do allocate; a leak allocates in each.
            for (int round = 0; round < 10 && least >= requests; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < requests; i++) {
                    channel.read(pool.acquire(), 0, 4096, 0);
                    channel.run(1);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).as("less than a byte each").isLessThan(requests);
        }
    }
}
