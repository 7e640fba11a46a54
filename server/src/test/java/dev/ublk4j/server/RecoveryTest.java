package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("Recovery")
class RecoveryTest {
    private static final int PAGE = 4096;
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().withDepth(16).with(Feature.SHMEM_ZC).with(Recovery.WAIT);

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Control control = new Control(driver);
    private final Arena arena = Arena.ofShared();
    private final SharedMemory shared = SharedMemory.create("test", 64L * PAGE);
    private final MemorySegment servers = shared.map(arena, false);
    private final MemorySegment clients = shared.map(arena, false);

    @AfterEach
    void close() {
        taken.forEach(Device::close);
        for (int id : driver.deviceIds()) {
            control.delete(id);
        }
        driver.close();
        arena.close();
        shared.close();
    }

    /** A target whose memory outlives it, as a file would. */
    private final class LastingDisk extends TestDisk {
        @Override
        public int read(Request request) {
            return request.copyFrom(lasting, request.offset());
        }

        @Override
        public int write(Request request) {
            return request.copyTo(lasting, request.offset());
        }
    }

    private final List<Device> taken = new ArrayList<>();
    private final MemorySegment lasting = arena.allocate(TestDisk.SIZE);

    /** Leaves every request pending. */
    private static final class PendingDisk extends TestDisk {
        final BlockingQueue<Long> pending = new LinkedBlockingQueue<>();
        final AtomicReference<Queue> queue = new AtomicReference<>();

        @Override
        public int write(Request request) {
            queue.set(request.queue());
            pending.add(request.id());
            return Request.PENDING;
        }
    }

    private static CompletableFuture<Long> submit(Disk disk, UnaryOperator<DiskRequest> fill) {
        CompletableFuture<Long> done = new CompletableFuture<>();
        disk.submit(fill.apply(new DiskRequest((request, result) -> done.complete(result))));
        return done;
    }

    private static long await(CompletableFuture<Long> answer) {
        return answer.orTimeout(4, TimeUnit.MINUTES).join();
    }

    private int leave(DeviceOptions options) {
        try (Device device = Device.start(driver, new LastingDisk(), options)) {
            device.quiesce(PATIENCE);
            return device.id();
        }
    }

    /** Takes a device over; it is closed after the test, when nobody has the disk open. */
    private Device recover(int id, Inheritance inherited) {
        Device device = Device.recover(driver, id, new LastingDisk(), inherited);
        taken.add(device);
        return device;
    }

    @Test
    void aDeviceThatItsServerLeavesKeepsItsRequestsForTheNextOne() {
        try (Device first = Device.start(driver, new LastingDisk(), OPTIONS);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(first.id())) {
            clients.set(ValueLayout.JAVA_INT, 0, 4711);
            assertThat(await(submit(disk, r -> r.write(0).add(client, 0, PAGE)))).isEqualTo(PAGE);
            first.quiesce(PATIENCE);
            assertThat(first.isLeft()).isTrue();
            assertThat(control.info(first.id()).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);

            CompletableFuture<Long> kept = submit(disk, r -> r.read(0).add(client, PAGE, PAGE));
            Device second = recover(first.id(), Inheritance.none());
            assertThat(await(kept)).isEqualTo(PAGE);
            assertThat(clients.get(ValueLayout.JAVA_INT, PAGE)).isEqualTo(4711);
            assertThat(second.isLeft()).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Recovery.class,
            names = {"WAIT", "REISSUE"})
    void aServerThatLeavesAnswersTheRequestsThatItsTargetHas(Recovery recovery) throws Exception {
        PendingDisk target = new PendingDisk();
        // Of one tag, which is out when the driver takes the idle ones back.
        DeviceOptions options = OPTIONS.with(recovery).withDepth(1).withQueues(1);
        try (Device first = Device.start(driver, target, options);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(first.id())) {
            CompletableFuture<Long> out = submit(disk, r -> r.write(0).add(client, 0, PAGE));
            long id = target.pending.take();
            CompletableFuture<Void> left =
                    CompletableFuture.runAsync(() -> first.quiesce(PATIENCE));
            assertThat(first.awaitStop(Duration.ofMillis(100))).isFalse();
            target.queue.get().complete(id, PAGE);

            assertThat(await(out)).isEqualTo(PAGE);
            left.orTimeout(4, TimeUnit.MINUTES).join();
            CompletableFuture<Long> kept = submit(disk, r -> r.write(0).add(client, 0, PAGE));
            Device second = recover(first.id(), Inheritance.none());
            assertThat(await(kept)).isEqualTo(PAGE);
            assertThat(second.info().queueDepth()).isEqualTo(1);
        }
    }

    @Test
    void aDeviceWhoseQueuesWereTakenBySomebodyElseIsLeftToo() throws Exception {
        try (Device device =
                Device.start(driver, new LastingDisk(), OPTIONS.withQueues(2).withDepth(2))) {
            control.quiesce(device.id(), PATIENCE);
            assertThat(device.awaitStop(PATIENCE)).isTrue();
            assertThat(device.isLeft()).isTrue();
        }
        assertThat(driver.deviceIds()).hasSize(1);
    }

    @Test
    void aDeviceThatSomebodyElseStopsIsNotLeft() throws Exception {
        Device device = Device.start(driver, new LastingDisk(), OPTIONS);
        control.stop(device.id());
        assertThat(device.awaitStop(PATIENCE)).isTrue();

        assertThat(device.isLeft()).isFalse();
        device.close();
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void aQueueThatFailsLeavesARecoverableDeviceToTheNextServer() throws Exception {
        TestDisk failing =
                new TestDisk() {
                    @Override
                    public int write(Request request) {
                        // A completion that the queue does not expect ends its thread.
                        request.queue().ring().nop(RequestId.backendUserData(request.id()));
                        return (int) request.length();
                    }
                };
        Device device = Device.start(driver, failing, OPTIONS.with(Recovery.REISSUE));
        try (ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(device.id())) {
            var _ = submit(disk, r -> r.write(0).add(client, 0, PAGE));
            assertThat(device.awaitStop(PATIENCE)).isTrue();
            device.close();
            assertThat(device.isLeft()).isTrue();
            CompletableFuture<Long> kept = submit(disk, r -> r.write(0).add(client, 0, PAGE));
            Device second = recover(device.id(), Inheritance.none());
            assertThat(await(kept)).isEqualTo(PAGE);
            assertThat(second.id()).isEqualTo(device.id());
        }
    }

    @Test
    void aDeviceThatIsServedCannotBeTakenOver() {
        try (Device device = Device.start(driver, new LastingDisk(), OPTIONS)) {
            TestDisk target = new TestDisk();
            Takeover takeover =
                    new Takeover(control, device.id(), target, Inheritance.none(), Duration.ZERO);
            assertThatThrownBy(takeover::run)
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
            assertThat(target.closed).isTrue();
            assertThat(control.info(device.id()).state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
    }

    @Test
    void aTargetThatIsTooSmallIsRefusedAndTheDeviceGoesOnWaiting() {
        int id = leave(OPTIONS);
        TestDisk small =
                new TestDisk() {
                    @Override
                    public Geometry geometry() {
                        return super.geometry().withSize(SIZE / 2);
                    }
                };
        assertThatThrownBy(() -> Device.recover(driver, id, small, Inheritance.none()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("524288 bytes, the device 1048576");
        assertThat(control.info(id).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
    }

    @Test
    void aTakeoverThatFailsHalfWayLeavesTheDeviceToTheNext() {
        int id = leave(OPTIONS);
        TestDisk failing =
                new TestDisk() {
                    @Override
                    public void queueStarted(Queue queue) {
                        throw new IllegalStateException("on purpose");
                    }
                };
        assertThatThrownBy(() -> Device.recover(driver, id, failing, Inheritance.none()))
                .hasMessage("on purpose");
        assertThat(failing.closed).isTrue();
        Device device = recover(id, Inheritance.none());
        assertThat(control.info(id).state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        assertThat(device.id()).isEqualTo(id);
    }

    @Test
    void aServerMayTakeOverAgainAndAgain() {
        int id = leave(OPTIONS);
        for (int round = 0; round < 3; round++) {
            Device device = recover(id, Inheritance.none());
            device.quiesce(PATIENCE);
        }
        assertThat(control.info(id).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
    }

    @Test
    void anInheritedBufferIsSharedAsBeforeAndCanBeTakenBack() {
        try (Device first = Device.start(driver, new LastingDisk(), OPTIONS);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(first.id())) {
            SharedBuffer buffer = first.share(servers, false);
            first.quiesce(PATIENCE);
            buffer.close();
            CompletableFuture<Long> kept = submit(disk, r -> r.write(0).add(client, 0, PAGE));

            MemorySegment again = shared.map(arena, false);
            Inheritance inherited = new Inheritance(Map.of(buffer.index(), again), Set.of());
            Device second = recover(first.id(), inherited);
            assertThat(await(kept)).isEqualTo(PAGE);
            assertThat(await(submit(disk, r -> r.read(0).add(client, 2 * PAGE, PAGE))))
                    .isEqualTo(PAGE);
            assertThat(second.counters()).isEqualTo(new DeviceCounters(2, 2 * PAGE, 0, 0));
            second.sharedBuffer(buffer.index()).orElseThrow().close();
            assertThat(second.sharedBuffer(buffer.index())).isEmpty();
            assertThat(await(submit(disk, r -> r.read(0).add(client, 2 * PAGE, PAGE))))
                    .isEqualTo(PAGE);
            assertThat(second.counters().copiedRequests()).isEqualTo(1);
        }
    }

    @Test
    void aRequestInALostBufferFailsUntilTheBufferIsUnregistered() {
        try (Device first = Device.start(driver, new LastingDisk(), OPTIONS);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(first.id())) {
            int index = first.share(servers, false).index();
            first.quiesce(PATIENCE);
            CompletableFuture<Long> kept = submit(disk, r -> r.write(0).add(client, 0, PAGE));

            Inheritance inherited = new Inheritance(Map.of(), Set.of(index));
            Device second = recover(first.id(), inherited);
            // The embedded driver may be quicker to unregister than to hand over what it kept.
            long answer = await(kept);
            assertThat(answer).isIn((long) Errno.EIO.negated(), (long) PAGE);
            assertThat(second.statistics().lost()).isEqualTo(answer == PAGE ? 0 : 1);
            assertThat(await(submit(disk, r -> r.write(0).add(client, 0, PAGE)))).isEqualTo(PAGE);
            assertThat(second.counters().copiedRequests()).isPositive();
            assertThat(second.share(servers, false).index()).isEqualTo(index);
        }
    }

    @Test
    void aRequestInABufferThatNobodyKnowsFailsAndTouchesNoMemory() {
        try (Device first = Device.start(driver, new LastingDisk(), OPTIONS);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(first.id())) {
            int index = first.share(servers, false).index();
            first.quiesce(PATIENCE);
            clients.fill((byte) 7);

            Device second = recover(first.id(), Inheritance.none());
            assertThat(await(submit(disk, r -> r.read(0).add(client, 0, PAGE))))
                    .isEqualTo(Errno.EIO.negated());
            assertThat(clients.toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);
            assertThat(second.statistics().lost()).isEqualTo(1);
            assertThat(second.statistics().failed()).isEqualTo(1);

            control.unregisterBuffer(second.id(), index);
            assertThat(await(submit(disk, r -> r.read(0).add(client, 0, PAGE)))).isEqualTo(PAGE);
        }
    }

    @Test
    void whereRequestsFailMeanwhileALostBufferIsGoneBeforeAnyCanNameIt() {
        DeviceOptions options = OPTIONS.with(Recovery.FAIL);
        try (Device first = Device.start(driver, new LastingDisk(), options);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(first.id())) {
            int index = first.share(servers, false).index();
            first.quiesce(PATIENCE);
            assertThat(await(submit(disk, r -> r.write(0).add(client, 0, PAGE)))).isNegative();

            Inheritance inherited = new Inheritance(Map.of(), Set.of(index, 77));
            Device second = recover(first.id(), inherited);
            assertThat(await(submit(disk, r -> r.write(0).add(client, 0, PAGE)))).isEqualTo(PAGE);
            assertThat(second.statistics().lost()).isZero();
        }
    }

    @Test
    void memoryIsNotSharedWithADeviceThatWaitsForAServer() {
        try (Device device = Device.start(driver, new LastingDisk(), OPTIONS)) {
            device.quiesce(PATIENCE);
            assertThatThrownBy(() -> device.share(servers, false))
                    .isInstanceOf(NotServedException.class)
                    .hasMessageContaining("is not served from here any more");
        }
    }

    @Test
    void theKindOfRecoveryIsReadFromTheDevice() {
        for (Recovery recovery : Recovery.values()) {
            try (Device device = Device.start(driver, new LastingDisk(), OPTIONS.with(recovery))) {
                assertThat(Recovery.of(device.info().flags())).isEqualTo(recovery);
            }
        }
    }
}
