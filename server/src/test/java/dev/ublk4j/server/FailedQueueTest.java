package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueHost;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.FileSlots;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A queue whose thread fails while the kernel works on its target's I/O. */
class FailedQueueTest {
    private static final int PAGE = 4096;
    private static final Duration LONG = Duration.ofMinutes(4);

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment page = Mapping.anonymous(PAGE, Mapping.MAP_SHARED, arena);
    private final CompletableFuture<Long> answer = new CompletableFuture<>();
    private final FailingGuest guest = new FailingGuest();

    @AfterEach
    void close() {
        driver.close();
        arena.close();
    }

    /** What makes the thread of a queue fail. */
    private static final class FailingGuest implements QueueGuest {
        private final CompletableFuture<QueueHost> queue = new CompletableFuture<>();
        private volatile boolean failing;

        void fail() {
            failing = true;
            queue.join().call();
        }

        @Override
        public void started(QueueHost mine) {
            queue.complete(mine);
        }

        @Override
        public void completed(long value, int result, int flags) {}

        @Override
        public boolean turn(boolean busy) {
            if (failing) {
                throw new IllegalStateException("on purpose");
            }
            return false;
        }

        @Override
        public void stopped() {}
    }

    /** Reads a page by reading an event counter, which nobody counts up. */
    private static final class WaitingDisk extends TestDisk {
        final CompletableFuture<MemorySegment> data = new CompletableFuture<>();
        final EventFd never = EventFd.blocking();

        @Override
        public int read(Request request) {
            long address = request.data().address();
            long userData = request.queue().userData(request, Request::complete);
            request.queue().ring().read(never.fd().number(), address, Long.BYTES, -1, userData);
            data.complete(request.data());
            return Request.PENDING;
        }

        @Override
        public void close() {
            super.close();
            never.close();
        }
    }

    /** A driver that does not tell of the end of a target's I/O before it is let. */
    private record SlowDriver(Driver driver, CompletableFuture<?> let) implements Driver {
        @Override
        public String name() {
            return driver.name();
        }

        @Override
        public int control(int op, MemorySegment command, Duration timeout) {
            return driver.control(op, command, timeout);
        }

        @Override
        public CharDevice open(int deviceId) {
            return new SlowCharDevice(driver.open(deviceId), let);
        }

        @Override
        public Optional<DataCounters> dataCounters(int deviceId) {
            return driver.dataCounters(deviceId);
        }

        @Override
        public void close() {}
    }

    private record SlowCharDevice(CharDevice device, CompletableFuture<?> let)
            implements CharDevice {
        @Override
        public int deviceId() {
            return device.deviceId();
        }

        @Override
        public MemorySegment map(long offset, long length, Arena arena) {
            return device.map(offset, length, arena);
        }

        @Override
        public QueueRing openRing(RingOptions options) {
            return new SlowRing(device.openRing(options), let);
        }

        @Override
        public long pread(MemorySegment buffer, long at, long length, long position) {
            return device.pread(buffer, at, length, position);
        }

        @Override
        public long pwrite(MemorySegment buffer, long at, long length, long position) {
            return device.pwrite(buffer, at, length, position);
        }

        @Override
        public void close() {
            device.close();
        }
    }

    private static final class SlowRing implements QueueRing {
        private final QueueRing ring;
        private final CompletableFuture<?> let;
        private final AtomicReference<Runnable> kept = new AtomicReference<>(() -> {});

        SlowRing(QueueRing ring, CompletableFuture<?> let) {
            this.ring = ring;
            this.let = let;
        }

        @Override
        public Ring ring() {
            return ring.ring();
        }

        @Override
        public FileSlots files() {
            return ring.files();
        }

        @Override
        public void commandWithSlot(
                int commandOp,
                int queueId,
                int tag,
                int result,
                int slot,
                int slotFlags,
                long userData) {
            ring.commandWithSlot(commandOp, queueId, tag, result, slot, slotFlags, userData);
        }

        @Override
        public void batch(
                int commandOp, int queueId, int flags, int count, long elements, long userData) {
            ring.batch(commandOp, queueId, flags, count, elements, userData);
        }

        @Override
        public void fetchBatch(int queueId, TagBuffers buffers, long userData) {
            ring.fetchBatch(queueId, buffers, userData);
        }

        @Override
        public TagBuffers openTagBuffers(int count, int tags) {
            return ring.openTagBuffers(count, tags);
        }

        @Override
        public void command(
                int commandOp, int queueId, int tag, int result, long address, long userData) {
            ring.command(commandOp, queueId, tag, result, address, userData);
        }

        @Override
        public int run(boolean wait, CompletionHandler handler) {
            if (let.isDone()) {
                kept.getAndSet(() -> {}).run();
            }
            return ring.run(
                    wait,
                    (userData, result, flags) -> {
                        if (RequestId.kind(userData) == RequestId.KIND_BACKEND && !let.isDone()) {
                            kept.set(() -> handler.onCompletion(userData, result, flags));
                        } else {
                            handler.onCompletion(userData, result, flags);
                        }
                    });
        }

        @Override
        public void wake() {
            ring.wake();
        }

        @Override
        public void close() {
            ring.close();
        }
    }

    private Device start(Driver on, Target target) {
        DeviceOptions options = DeviceOptions.defaults().withDepth(4).with(Feature.SHMEM_ZC);
        return Device.start(on, new GuestedDisk(target, queue -> guest), options);
    }

    private DiskRequest read() {
        return new DiskRequest((request, result) -> answer.complete(result)).read(0);
    }

    @Test
    void ioThatWouldNotEndIsCancelledBeforeTheDataOfItsRequestGoes() throws Exception {
        WaitingDisk target = new WaitingDisk();
        try (Device device = start(driver, target);
                Disk disk = driver.openBlock(device.id())) {
            disk.submit(read().add(page));
            MemorySegment data = target.data.get(4, TimeUnit.MINUTES);
            guest.fail();

            assertThat(device.awaitStop(LONG)).as("the device stops").isTrue();
            assertThat(answer.get(4, TimeUnit.MINUTES)).isEqualTo(Errno.EIO.negated());
            assertThat(data.scope().isAlive()).isFalse();
            target.never.signal();
            try (Poll counter = new Poll(target.never.fd())) {
                assertThat(counter.await(Duration.ofMillis(100)))
                        .as("nobody reads the counter any more")
                        .isTrue();
            }
        }
    }

    @Test
    void theDataOfARequestStaysUntilItsIoHasEnded() throws Exception {
        CompletableFuture<Boolean> let = new CompletableFuture<>();
        WaitingDisk target = new WaitingDisk();
        try (Device device = start(new SlowDriver(driver, let), target);
                Disk disk = driver.openBlock(device.id())) {
            disk.submit(read().add(page));
            MemorySegment data = target.data.get(4, TimeUnit.MINUTES);
            guest.fail();

            assertThat(device.awaitStop(Duration.ofMillis(300))).isFalse();
            assertThat(data.scope().isAlive()).isTrue();
            let.complete(true);
            assertThat(device.awaitStop(LONG)).as("the device stops").isTrue();
            assertThat(data.scope().isAlive()).isFalse();
        }
    }

    @Test
    void aSharedBufferIsNotGivenBackWhileTheKernelMayWriteToIt() throws Exception {
        CompletableFuture<Boolean> let = new CompletableFuture<>();
        WaitingDisk target = new WaitingDisk();
        try (Device device = start(new SlowDriver(driver, let), target);
                SharedBuffer buffer = device.share(page, false);
                ClientMemory client = new ClientMemory(page);
                Disk disk = driver.openBlock(device.id())) {
            disk.submit(read().add(client, 0, PAGE));
            assertThat(target.data.get(4, TimeUnit.MINUTES).address()).isEqualTo(page.address());
            guest.fail();

            CompletableFuture<Void> back = CompletableFuture.runAsync(buffer::close);
            Thread.sleep(300);
            assertThat(back).isNotDone();
            let.complete(true);
            back.get(4, TimeUnit.MINUTES);
            assertThat(device.awaitStop(LONG)).as("the device stops").isTrue();
        }
    }

    private static final class KeepingDisk extends TestDisk {
        final BlockingQueue<Request> kept = new LinkedBlockingQueue<>();

        @Override
        public int read(Request request) {
            kept.add(request);
            return Request.PENDING;
        }
    }

    private Device startTwoQueues(Target target) {
        DeviceOptions options = DeviceOptions.defaults().withDepth(4).withQueues(2);
        return Device.start(
                driver,
                new GuestedDisk(target, queue -> queue == 0 ? guest : new NoGuest()),
                options);
    }

    @Test
    void aDeviceStopsWhenOneOfItsQueuesFailsWithARequestOut() throws Exception {
        List<LogRecord> lines = Collections.synchronizedList(new ArrayList<>());
        Handler collector = new Collector(lines);
        Logger logger = Logger.getLogger("dev.ublk4j.server");
        logger.addHandler(collector);
        KeepingDisk target = new KeepingDisk();
        Device device = startTwoQueues(target);
        try (Disk disk = driver.openBlock(device.id())) {
            disk.submit(read().add(page), 0);
            assertThat(target.kept.poll(4, TimeUnit.MINUTES)).isNotNull();
            guest.fail();

            assertThat(device.awaitStop(LONG)).as("the device stops").isTrue();
            assertThat(answer.get(4, TimeUnit.MINUTES)).isEqualTo(Errno.EIO.negated());
            assertThat(disk.size()).isZero();
        }
        device.close();
        assertThat(target.closed).isTrue();
        assertThat(driver.deviceIds()).isEmpty();
        logger.removeHandler(collector);
        assertThat(lines)
                .singleElement()
                .satisfies(
                        line -> assertThat(line.getMessage()).contains("failed, its device stops"));
    }

    @Test
    void whatOtherQueuesHaveIsAnsweredBeforeTheDeviceOfAFailedOneStops() throws Exception {
        KeepingDisk target = new KeepingDisk();
        CompletableFuture<Long> other = new CompletableFuture<>();
        try (Device device = startTwoQueues(target);
                Disk disk = driver.openBlock(device.id())) {
            disk.submit(
                    new DiskRequest((_, result) -> other.complete(result)).read(0).add(page), 1);
            Request request = target.kept.poll(4, TimeUnit.MINUTES);
            disk.submit(read().add(page), 0);
            assertThat(target.kept.poll(4, TimeUnit.MINUTES)).isNotNull();
            guest.fail();
            assertThat(device.awaitStop(Duration.ofMillis(100))).isFalse();

            request.queue().complete(request.id(), PAGE);
            assertThat(other.get(4, TimeUnit.MINUTES)).isEqualTo(PAGE);
            assertThat(answer.get(4, TimeUnit.MINUTES)).isEqualTo(Errno.EIO.negated());
            assertThat(device.awaitStop(LONG)).as("the device stops").isTrue();
        }
    }

    @Test
    void aCloseThatWaitsForTheRequestOfAQueueReturnsWhenTheQueueFails() throws Exception {
        KeepingDisk target = new KeepingDisk();
        Device device = startTwoQueues(target);
        CompletableFuture<Void> closing;
        try (Disk disk = driver.openBlock(device.id())) {
            disk.submit(read().add(page), 0);
            assertThat(target.kept.poll(4, TimeUnit.MINUTES)).isNotNull();
            closing = CompletableFuture.runAsync(device::close);
            while (disk.size() != 0) {
                Thread.onSpinWait();
            }
            guest.fail();

            assertThat(answer.get(4, TimeUnit.MINUTES)).isEqualTo(Errno.EIO.negated());
            assertThat(device.awaitStop(LONG)).as("the device stops").isTrue();
        }
        closing.get(4, TimeUnit.MINUTES);
        assertThat(driver.deviceIds()).isEmpty();
    }

    /** Keeps what is logged. */
    private static final class Collector extends Handler {
        private final List<LogRecord> lines;

        Collector(List<LogRecord> lines) {
            this.lines = lines;
        }

        @Override
        public void publish(LogRecord line) {
            lines.add(line);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
