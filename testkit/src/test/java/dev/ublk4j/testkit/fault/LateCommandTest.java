package dev.ublk4j.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.SelfResizing;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Control commands whose answer comes when their sender has given up. */
class LateCommandTest {
    private static final int PAGE = 4096;
    private static final Duration LONG = Duration.ofMinutes(4);

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Faults faults = new Faults();
    private final FaultyDriver server = new FaultyDriver(driver, faults);
    private final Arena arena = Arena.ofShared();
    private final MemorySegment page = Mapping.anonymous(PAGE, Mapping.MAP_SHARED, arena);
    private final Disc target = new Disc();

    /** A disk in memory that counts how often it is closed. */
    private static final class Disc implements SimpleTarget, Resizable, SelfResizing {
        final Arena arena = Arena.ofShared();
        final AtomicInteger closed = new AtomicInteger();
        final CountDownLatch isClosed = new CountDownLatch(1);
        volatile MemorySegment bytes = arena.allocate(1 << 20);
        volatile long size = 1 << 20;

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(size);
        }

        @Override
        public int read(Request request) {
            return request.copyFrom(bytes, request.offset());
        }

        @Override
        public int write(Request request) {
            return request.copyTo(bytes, request.offset());
        }

        volatile boolean resizedAfterClose;
        volatile LongConsumer others = bytes -> {};

        @Override
        public void onResize(LongConsumer listener) {
            others = listener;
        }

        @Override
        public void resize(long newSize) {
            resizedAfterClose |= closed.get() > 0;
            size = newSize;
        }

        @Override
        public void close() {
            closed.incrementAndGet();
            isClosed.countDown();
        }

        void awaitClosed() throws InterruptedException {
            assertThat(isClosed.await(4, TimeUnit.MINUTES)).isTrue();
        }
    }

    @AfterEach
    void close() {
        faults.clear();
        arena.close();
        target.arena.close();
    }

    private Device start() {
        return start(DeviceOptions.defaults());
    }

    private Device start(DeviceOptions options) {
        return Device.start(
                server,
                target,
                options.withDepth(4).with(Feature.SHMEM_ZC).with(Feature.UPDATE_SIZE));
    }

    private HeldCommand hold(ControlCommand command, boolean beforeEffect) {
        return beforeEffect ? faults.hold(command) : faults.holdAnswer(command);
    }

    private static ControlTimeoutException late(ThrowingCallable call) {
        return catchThrowableOfType(ControlTimeoutException.class, call);
    }

    private static int outcome(ControlTimeoutException late) throws Exception {
        return late.outcome().toCompletableFuture().get(4, TimeUnit.MINUTES);
    }

    private void assertThatSharingWorks(Device device) {
        page.set(ValueLayout.JAVA_INT, 0, 42);
        long before = device.counters().sharedRequests();
        try (SharedBuffer buffer = device.share(page, false);
                ClientMemory client = new ClientMemory(page);
                Disk disk = driver.openBlock(device.id())) {
            assertThat(write(disk, client).join()).isEqualTo(PAGE);
            assertThat(buffer.isRegistered()).isTrue();
        }
        assertThat(device.counters().sharedRequests()).isEqualTo(before + 1);
        assertThat(target.bytes.get(ValueLayout.JAVA_INT, 0)).isEqualTo(42);
    }

    private static CompletableFuture<Long> write(Disk disk, ClientMemory client) {
        CompletableFuture<Long> written = new CompletableFuture<>();
        DiskRequest request = new DiskRequest((_, result) -> written.complete(result));
        disk.submit(request.write(0).add(client, 0, PAGE));
        return written;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void memoryWhoseOwnerHasGivenUpIsUnregisteredAgain(boolean beforeEffect) throws Exception {
        try (Device device = start()) {
            HeldCommand held = hold(ControlCommand.REG_BUF, beforeEffect);
            ControlTimeoutException late = late(() -> device.share(page, false));
            assertThat(late.outcome().toCompletableFuture()).isNotDone();

            assertThat(held.awaitOutcome()).isZero();
            assertThat(outcome(late)).isNegative();
            assertThat(device.sharedBuffer(0)).isEmpty();
            assertThatSharingWorks(device);
        }
    }

    @Test
    void aRequestThatNamesMemoryOfALateRegistrationIsServed() throws Exception {
        try (Device device = start();
                ClientMemory client = new ClientMemory(page);
                Disk disk = driver.openBlock(device.id())) {
            HeldCommand held = faults.holdAnswer(ControlCommand.REG_BUF);
            ControlTimeoutException late = late(() -> device.share(page, false));
            held.awaitSent();
            page.set(ValueLayout.JAVA_INT, 0, 7);
            CompletableFuture<Long> written = write(disk, client);
            // The driver looks for its memory in its own time, and not once that is gone again.
            assertThat(
                            Deadline.in(LONG)
                                    .poll(
                                            Duration.ofNanos(1_000),
                                            () -> driver.counters(device.id()).hits() == 1))
                    .isTrue();
            held.release();

            assertThat(written.get(4, TimeUnit.MINUTES)).isEqualTo(PAGE);
            assertThat(target.bytes.get(ValueLayout.JAVA_INT, 0)).isEqualTo(7);
            assertThat(device.counters().sharedRequests()).isEqualTo(1);
            assertThat(outcome(late)).isNegative();
        }
    }

    @Test
    void nothingIsRegisteredWhileACommandHasNoOutcome() throws Exception {
        try (Device device = start()) {
            HeldCommand held = faults.hold(ControlCommand.REG_BUF);
            ControlTimeoutException first = late(() -> device.share(page, false));
            ControlTimeoutException second = late(() -> device.share(page, false));
            assertThat(second).hasMessageContaining("an earlier command is not completed");

            held.awaitOutcome();
            assertThat(outcome(second)).isNegative();
            assertThat(outcome(first)).isNegative();
            assertThatSharingWorks(device);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBufferIsGivenBackWithTheOutcomeOfItsRemoval(boolean beforeEffect) throws Exception {
        try (Device device = start()) {
            SharedBuffer buffer = device.share(page, false);
            HeldCommand held = hold(ControlCommand.UNREG_BUF, beforeEffect);
            ControlTimeoutException late = late(buffer::close);
            assertThat(late(buffer::close)).as("a second call while it is late").isNotNull();
            assertThat(device.sharedBuffer(0)).containsSame(buffer);

            held.awaitOutcome();
            assertThat(outcome(late)).isZero();
            buffer.close();
            assertThat(buffer.isRegistered()).isFalse();
            assertThat(device.sharedBuffer(0)).isEmpty();
            assertThatSharingWorks(device);
        }
    }

    @Test
    void aRemovalThatIsRefusedCanBeRepeated() {
        try (Device device = start()) {
            SharedBuffer buffer = device.share(page, false);
            faults.refuse(ControlCommand.UNREG_BUF, Errno.EINTR);
            assertThatThrownBy(buffer::close).isInstanceOf(LinuxException.class);
            assertThat(buffer.isRegistered()).isTrue();

            faults.clear();
            buffer.close();
            assertThat(buffer.isRegistered()).isFalse();
            assertThatSharingWorks(device);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"STOP_DEV", "DEL_DEV"})
    void aDeviceThatIsClosedGoesWhenTheDriverLetsIt(ControlCommand command) throws Exception {
        for (boolean beforeEffect : new boolean[] {true, false}) {
            Disc disc = new Disc();
            Device device = Device.start(server, disc, DeviceOptions.defaults().withDepth(4));
            HeldCommand held = hold(command, beforeEffect);
            ControlTimeoutException late = late(device::close);
            assertThat(late).hasMessageContaining(command.cName());
            boolean queuesServe = command == ControlCommand.STOP_DEV;
            assertThat(disc.closed).hasValue(queuesServe ? 0 : 1);

            assertThat(held.awaitOutcome()).isZero();
            disc.awaitClosed();
            device.close();
            device.close();
            assertThat(driver.deviceIds()).isEmpty();
            assertThat(disc.closed).hasValue(1);
        }
    }

    @Test
    void aDeviceWhoseStopWasRefusedCanBeClosedLater() {
        Device device = start();
        faults.refuse(ControlCommand.STOP_DEV, Errno.EPERM);
        assertThatThrownBy(device::close).isInstanceOf(LinuxException.class);
        assertThat(target.closed).as("it is served still").hasValue(0);

        faults.clear();
        device.close();
        assertThat(driver.deviceIds()).isEmpty();
        assertThat(target.closed).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDeviceThatIsAddedTooLateIsDeleted(boolean beforeEffect) throws Exception {
        HeldCommand held = hold(ControlCommand.ADD_DEV, beforeEffect);
        ControlTimeoutException late = late(this::start);
        assertThat(target.closed).hasValue(1);

        assertThat(held.awaitOutcome()).isNotNegative();
        int _ = outcome(late);
        assertThat(driver.deviceIds()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"SET_PARAMS", "START_DEV"})
    void aDeviceThatWasNotLiveInTimeIsDeleted(ControlCommand command) throws Exception {
        HeldCommand held = faults.holdAnswer(command);
        assertThat(late(this::start)).isNotNull();
        held.awaitOutcome();

        target.awaitClosed();
        assertThat(target.closed).hasValue(1);
        assertThat(driver.deviceIds()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {2 << 20, 1 << 19})
    void targetAndDeviceChangeTheirSizeWithTheOutcome(long size) throws Exception {
        try (Device device = start()) {
            HeldCommand held = faults.hold(ControlCommand.UPDATE_SIZE);
            ControlTimeoutException late = late(() -> device.resize(size));
            assertThat(device.geometry().size()).isEqualTo(1 << 20);
            assertThat(target.size).as("room for both").isEqualTo(Math.max(1 << 20, size));

            held.awaitOutcome();
            assertThat(outcome(late)).isZero();
            assertThat(device.geometry().size()).isEqualTo(size);
            assertThat(target.size).isEqualTo(size);
            try (Disk disk = driver.openBlock(device.id())) {
                assertThat(disk.size()).isEqualTo(size);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {2 << 20, 1 << 19})
    void aSizeThatTheDriverRefusesIsTheTargetsNeither(long size) {
        try (Device device = start()) {
            faults.refuse(ControlCommand.UPDATE_SIZE, Errno.EOPNOTSUPP);
            assertThatThrownBy(() -> device.resize(size)).isInstanceOf(LinuxException.class);

            assertThat(device.geometry().size()).isEqualTo(1 << 20);
            assertThat(target.size).isEqualTo(1 << 20);
            faults.clear();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {2 << 20, 1 << 19})
    void aSizeThatOthersGaveTheTargetStaysWhereTheDriverRefusesIt(long size) {
        try (Device device = start()) {
            faults.refuse(ControlCommand.UPDATE_SIZE, Errno.EOPNOTSUPP);
            target.size = size;
            target.others.accept(size);

            assertThat(device.geometry().size()).isEqualTo(1 << 20);
            assertThat(target.size).isEqualTo(size);
            faults.clear();

            target.others.accept(size);
            assertThat(device.geometry().size()).isEqualTo(size);
        }
    }

    @Test
    void aTargetIsNotAskedForAnotherSizeOnceItIsClosed() throws Exception {
        Device device = start();
        HeldCommand resize = faults.hold(ControlCommand.UPDATE_SIZE);
        ControlTimeoutException late = late(() -> device.resize(2 << 20));
        CompletableFuture<Void> closing = CompletableFuture.runAsync(device::close);
        resize.release();
        closing.get(4, TimeUnit.MINUTES);
        int _ = outcome(late);
        target.awaitClosed();
        assertThat(target.resizedAfterClose).isFalse();
        assertThatThrownBy(() -> device.resize(3 << 20)).isInstanceOf(LinuxException.class);
        assertThat(target.resizedAfterClose).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDeviceThatIsQuiescedStaysAlthoughItsStateCannotBeAsked(boolean isRefused) {
        Device device = start(DeviceOptions.defaults().with(Recovery.REISSUE));
        HeldCommand held = null;
        if (isRefused) {
            faults.refuse(ControlCommand.GET_DEV_INFO, Errno.ENOMEM);
        } else {
            held = faults.hold(ControlCommand.GET_DEV_INFO);
        }
        device.quiesce(Duration.ofSeconds(1));
        device.close();
        assertThat(device.isLeft()).isTrue();
        faults.clear();
        if (held != null) {
            held.release();
        }
        Control control = new Control(driver);
        assertThat(control.info(device.id()).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
        control.delete(device.id());
    }

    @Test
    void aServerThatIsTakenAwayLateLeavesThen() throws Exception {
        Device device = start(DeviceOptions.defaults().with(Recovery.WAIT));
        HeldCommand held = faults.hold(ControlCommand.QUIESCE_DEV);
        assertThat(late(() -> device.quiesce(Duration.ofSeconds(1)))).isNotNull();
        assertThat(late(() -> device.share(page, false)))
                .as("registering would hang the device")
                .isNotNull();

        held.awaitOutcome();
        assertThat(device.awaitStop(LONG)).isTrue();
        assertThat(device.isLeft()).isTrue();
        device.close();
        new Control(driver).delete(device.id());
    }

    @Test
    void aRecoveryThatIsLateLeavesTheDeviceToTheNextServer() throws Exception {
        Device device = start(DeviceOptions.defaults().with(Recovery.WAIT));
        int id = device.id();
        device.quiesce(Duration.ofSeconds(1));
        device.close();
        Disc second = new Disc();
        HeldCommand held = faults.holdAnswer(ControlCommand.END_USER_RECOVERY);
        assertThat(late(() -> Device.recover(server, id, second, Inheritance.none()))).isNotNull();
        held.awaitOutcome();
        second.awaitClosed();
        assertThat(new Control(driver).info(id).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);

        try (Device next = Device.recover(server, id, new Disc(), Inheritance.none());
                SharedBuffer buffer = next.share(page, false)) {
            assertThat(buffer.isRegistered()).isTrue();
        }
        assertThat(driver.deviceIds()).isEmpty();
    }
}
