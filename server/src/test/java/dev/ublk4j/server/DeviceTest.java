package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.DeviceState;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
    private static final int PAGE = 4096;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = Mapping.anonymous(16L * PAGE, Mapping.MAP_PRIVATE, arena);
    private final MemorySegment page = memory.asSlice(0, PAGE);

    @AfterEach
    void close() {
        driver.close();
        arena.close();
    }

    /** Leaves every request pending. */
    private static final class PendingDisk extends TestDisk {
        final BlockingQueue<Long> pending = new LinkedBlockingQueue<>();
        final AtomicReference<Queue> queue = new AtomicReference<>();

        @Override
        public int read(Request request) {
            queue.set(request.queue());
            pending.add(request.id());
            return Request.PENDING;
        }

        @Override
        public int write(Request request) {
            return read(request);
        }
    }

    private Device start(Target target) {
        return Device.start(driver, target, DeviceOptions.defaults().withDepth(16));
    }

    @Test
    void whatIsWrittenIsReadBack() {
        try (Device device = start(new TestDisk());
                Disk disk = driver.openBlock(device.id())) {
            page.set(ValueLayout.JAVA_LONG, 8, 4711);
            assertThat(disk.write(page, 3 * PAGE)).isEqualTo(PAGE);
            page.fill((byte) 0);
            assertThat(disk.read(page, 3 * PAGE)).isEqualTo(PAGE);

            assertThat(page.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(4711);
            assertThat(disk.flush()).isZero();
            assertThat(device.counters().copiedRequests()).isEqualTo(2);
            assertThat(device.counters().copiedBytes()).isEqualTo(2 * PAGE);
        }
    }

    @Test
    void aHandlerThatThrowsFailsItsOwnRequestAlone() {
        Target target =
                new TestDisk() {
                    @Override
                    public int read(Request request) {
                        if (request.offset() == 0) {
                            throw new IllegalStateException("on purpose");
                        }
                        if (request.offset() == PAGE) {
                            throw new LinuxException("test", "on purpose", Errno.ENOSPC.negated());
                        }
                        if (request.offset() == 2 * PAGE) {
                            throw new StackOverflowError("on purpose");
                        }
                        return super.read(request);
                    }
                };
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            assertThat(disk.read(page, 0)).isEqualTo(Errno.EIO.negated());
            assertThat(disk.read(page, PAGE)).isNegative();
            assertThat(disk.read(page, 2 * PAGE)).isEqualTo(Errno.EIO.negated());
            assertThat(disk.read(page, 3 * PAGE)).isEqualTo(PAGE);
        }
    }

    @Test
    void aPendingRequestIsCompletedFromAnotherThread() throws Exception {
        PendingDisk target = new PendingDisk();
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            AtomicLong result = new AtomicLong();
            Thread reader = Thread.startVirtualThread(() -> result.set(disk.read(page, 0)));
            long id = target.pending.take();
            target.queue.get().complete(id, PAGE);
            reader.join();

            assertThat(result).hasValue(PAGE);
            assertThatThrownBy(() -> target.queue.get().complete(id, PAGE))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has already been completed");
        }
    }

    @Test
    void aLateCompletionNeverEndsTheNextRequestOfItsTag() throws Exception {
        PendingDisk target = new PendingDisk();
        try (Device device = Device.start(driver, target, DeviceOptions.defaults().withDepth(1));
                Disk disk = driver.openBlock(device.id())) {
            Thread first = Thread.startVirtualThread(() -> disk.read(page, 0));
            long firstId = target.pending.take();
            target.queue.get().complete(firstId, PAGE);
            first.join();
            AtomicLong result = new AtomicLong();
            Thread second = Thread.startVirtualThread(() -> result.set(disk.read(page, 0)));
            long secondId = target.pending.take();

            assertThatThrownBy(() -> target.queue.get().complete(firstId, 0))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(second.isAlive()).isTrue();
            target.queue.get().complete(secondId, PAGE);
            second.join();
            assertThat(result).hasValue(PAGE);
        }
    }

    @Test
    void aBlockingTargetServesManyRequestsOfAQueueAtATime() throws Exception {
        BlockingQueue<Integer> entered = new LinkedBlockingQueue<>();
        BlockingQueue<Integer> leave = new LinkedBlockingQueue<>();
        Target target =
                new TestDisk() {
                    @Override
                    public boolean blocking() {
                        return true;
                    }

                    @Override
                    public int read(Request request) {
                        entered.add(request.tag());
                        try {
                            leave.take();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return super.read(request);
                    }
                };
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            Thread[] readers = new Thread[4];
            for (int i = 0; i < readers.length; i++) {
                MemorySegment own = memory.asSlice((long) i * PAGE, PAGE);
                long position = (long) i * PAGE;
                readers[i] =
                        Thread.startVirtualThread(
                                () -> assertThat(disk.read(own, position)).isEqualTo(PAGE));
            }
            for (int i = 0; i < readers.length; i++) {
                entered.take();
            }
            for (int i = 0; i < readers.length; i++) {
                leave.add(0);
            }
            for (Thread reader : readers) {
                reader.join();
            }
        }
    }

    @Test
    void aStopWaitsForTheRequestsThatTheTargetHas() throws Exception {
        PendingDisk target = new PendingDisk();
        Device device = start(target);
        try (Disk disk = driver.openBlock(device.id())) {
            Thread writer = Thread.startVirtualThread(() -> disk.write(page, 0));
            long id = target.pending.take();
            Thread stopper = Thread.startVirtualThread(device::stop);
            assertThat(device.awaitStop(Duration.ofMillis(200))).isFalse();
            target.queue.get().complete(id, PAGE);
            stopper.join();
            writer.join();
            assertThat(device.awaitStop(Duration.ZERO)).isTrue();
        }
        device.close();
    }

    @Test
    void onlyTheRequestsThatAreOutNowOweAnAnswer() throws Exception {
        PendingDisk target = new PendingDisk();
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            assertThat(device.awaitAnswers(Duration.ZERO)).isTrue();
            Thread first = Thread.startVirtualThread(() -> disk.write(page, 0));
            long firstId = target.pending.take();
            assertThat(device.awaitAnswers(Duration.ofMillis(50))).isFalse();

            CompletableFuture<Boolean> answered =
                    CompletableFuture.supplyAsync(() -> device.awaitAnswers(Duration.ofMinutes(4)));
            Thread.sleep(50);
            Thread second = Thread.startVirtualThread(() -> disk.write(page, PAGE));
            long secondId = target.pending.take();
            target.queue.get().complete(firstId, PAGE);
            assertThat(answered.get(4, TimeUnit.MINUTES)).isTrue();
            target.queue.get().complete(secondId, PAGE);
            first.join();
            second.join();
        }
    }

    @Test
    void aFailedStartClosesTheTargetAndLeavesNoDevice() {
        TestDisk target =
                new TestDisk() {
                    @Override
                    public void queueStarted(Queue queue) {
                        throw new IllegalStateException("on purpose");
                    }
                };

        assertThatThrownBy(() -> start(target)).hasMessage("on purpose");
        assertThat(target.closed).isTrue();
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void aNumberThatIsTakenIsRefusedByName() {
        try (Device device = start(new TestDisk())) {
            DeviceOptions same = DeviceOptions.defaults().withId(device.id());
            TestDisk target = new TestDisk();

            assertThatThrownBy(() -> Device.start(driver, target, same))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST))
                    .hasMessageContaining("UBLK_U_CMD_ADD_DEV");
            assertThat(target.closed).isTrue();
        }
    }

    @Test
    void aDeviceThatSomebodyElseStopsComesToAnEnd() throws Exception {
        TestDisk target = new TestDisk();
        Device device = start(target);
        new Control(driver).stop(device.id());

        assertThat(device.awaitStop(Duration.ofMinutes(4))).isTrue();
        assertThat(new Control(driver).info(device.id()).state())
                .isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        device.close();
        assertThat(target.closed).isTrue();
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void closingTwiceClosesOnce() {
        Device device = start(new TestDisk());
        device.close();
        device.close();

        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void severalDevicesOfSeveralQueuesServeSideBySide() {
        DeviceOptions options = DeviceOptions.defaults().withDepth(4).withQueues(2);
        try (Device one = Device.start(driver, new TestDisk(), options);
                Device two = Device.start(driver, new TestDisk(), options);
                Disk first = driver.openBlock(one.id());
                Disk second = driver.openBlock(two.id())) {
            page.set(ValueLayout.JAVA_INT, 0, 1);
            first.write(page, 0);
            page.set(ValueLayout.JAVA_INT, 0, 2);
            second.write(page, 0);
            first.read(page, 0);
            assertThat(page.get(ValueLayout.JAVA_INT, 0)).isEqualTo(1);
            second.read(page, 0);
            assertThat(page.get(ValueLayout.JAVA_INT, 0)).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy", "get-data", "user-copy", "copy,batch", "user-copy,batch"})
    void aRequestInSteadyStateAllocatesNothingOnTheQueuesThread(String mode) {
        AtomicLong queueThread = new AtomicLong();
        Target target =
                new TestDisk() {
                    @Override
                    public void queueStarted(Queue queue) {
                        queueThread.set(Thread.currentThread().threadId());
                    }
                };
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Device device =
                        Device.start(
                                driver, target, DeviceOptions.defaults().with(Mode.parse(mode)));
                ClientMemory client = new ClientMemory(memory);
                Disk disk = driver.openBlock(device.id())) {
            // The first rounds load classes and compile; one without any allocation is the proof.
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 20 && least > 0; round++) {
                long before = threads.getThreadAllocatedBytes(queueThread.get());
                submitMany(disk, client, 20_000);
                least =
                        Math.min(
                                least, threads.getThreadAllocatedBytes(queueThread.get()) - before);
            }

            assertThat(least).isZero();
        }
    }

    /** Reads and writes of several lengths, each submitted by the one that ended before it. */
    private static void submitMany(Disk disk, ClientMemory client, int count) {
        CountDownLatch left = new CountDownLatch(count);
        DiskRequest request =
                new DiskRequest((done, result) -> {
                    assert result == done.length() : done + ": " + result;
                    left.countDown();
                    int number = (int) left.getCount();
                    if (number > 0) {
                        int length = (number % 4 + 1) * PAGE;
                        DiskRequest next = number % 2 == 0 ? done.read(0) : done.write(0);
                        disk.submit(next.add(client, 0, length));
                    }
                });
        disk.submit(request.read(0).add(client, 0, PAGE));
        awaitQuietly(left);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
