package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.IoCommand;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a device becomes live, is resized, stops and is deleted. */
public abstract class LifeRules extends LaneRules {
    private static final int PID = (int) ProcessHandle.current().pid();

    protected LifeRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1})
    void startingNeedsAServersNumber(int pid) {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), pid)).isEqualTo(EINVAL);
        }
    }

    @Test
    void startingNeedsParametersAndDoesNotWaitForQueuesToSaySo() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), PID)).isEqualTo(EINVAL);
        }
    }

    @Test
    void startingNeedsTheNumberOfTheProcessThatOpenedTheCharDevice() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            device.fetchAll();
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), 1)).isEqualTo(EINVAL);
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), PID)).isZero();
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
    }

    @Test
    void aStartedDeviceCannotBeStartedAgain() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), PID)).isEqualTo(EEXIST);
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), 1)).isEqualTo(EINVAL);
        }
    }

    @Test
    void startingWaitsUntilEveryTagOfEveryQueueIsFetched() {
        try (TestDevice device = attached(Shape.plain().with(2, 4), Handler.agreeing())) {
            CompletableFuture<Integer> start =
                    meanwhile(() -> raw().send(ControlCommand.START_DEV, device.id(), PID));
            device.queue(0).fetchAll();
            if (device.info().queues() > 1) {
                for (int tag = 0; tag < 3; tag++) {
                    device.queue(1).fetch(tag);
                }
                assertThat(start).isNotDone();
                device.queue(1).fetch(3);
            }
            assertThat(start.join()).isZero();
        }
    }

    @Test
    void stoppingADeviceThatWasNeverStartedDoesNothing() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.STOP_DEV, device.id(), 0)).isZero();
            assertThat(raw().send(ControlCommand.STOP_DEV, device.id(), 0)).isZero();
        }
    }

    @Test
    void stoppingEndsAStartThatWaits() {
        since73();
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            device.queue().fetch(0);
            CompletableFuture<Integer> start =
                    meanwhile(() -> raw().send(ControlCommand.START_DEV, device.id(), PID));
            assertThat(start).isNotDone();
            assertThat(raw().send(ControlCommand.STOP_DEV, device.id(), 0)).isZero();
            assertThat(start.join()).isEqualTo(EBUSY);
        }
    }

    @Test
    void stoppingTakesTheDiskAwayAndEveryTagBack() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            device.control().stop(device.id());
            device.queue().awaitAborted();
            assertThat(device.queue().aborted()).isEqualTo(4);
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertThat(device.control().info(device.id()).serverPid()).isEqualTo(-1);
        }
    }

    @Test
    void aStoppedDeviceFetchesNothingWhileItsServerIsThere() {
        boolean saysSo = control().features().contains(Feature.IO_DESC_SIZE);
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            device.control().stop(device.id());
            device.queue().awaitAborted();
            QueueLoop queue = device.queue();
            assertThat(queue.call(IoCommand.UBLK_U_IO_FETCH_REQ, 0, 0, 0, queue.address(0)))
                    .isEqualTo(saysSo ? ENODEV : EBUSY);
        }
    }

    @Test
    void aStoppedDeviceCanBeStartedAgainOnceItsServerHasClosedTheCharDevice() {
        since73();
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            device.control().stop(device.id());
            device.queue().awaitAborted();
            assertThat(raw().send(ControlCommand.START_DEV, device.id(), PID))
                    .as("while the old server is still there")
                    .isEqualTo(EBUSY);
            device.detach();
            attachAgain(device, Handler.agreeing());
            device.fetchAll();
            device.start();
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
    }

    /** The driver lets go of the old server's file a moment after it was closed. */
    static void attachAgain(TestDevice device, Handler handler) {
        Pause.until(
                "the old server's char device is released",
                () -> {
                    try {
                        device.attach(handler);
                        return true;
                    } catch (LinuxException e) {
                        assertThat(e.number()).isEqualTo(-EBUSY);
                        return false;
                    }
                });
    }

    @Test
    void stoppingUnderLoadAnswersEveryRequest() {
        try (TestDevice device = live(Shape.plain(), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 16L * PAGE));
                ClientDisk disk = device.open()) {
            List<CompletableFuture<Long>> answers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                answers.add(
                        disk.submit(Io.write(i * 64L * PAGE, area.piece((long) i * PAGE, PAGE))));
            }
            List<Seen> held = device.queue().awaitSeen(4);
            // No tag is left for these.
            for (int i = 4; i < 8; i++) {
                answers.add(
                        disk.submit(Io.write(i * 64L * PAGE, area.piece((long) i * PAGE, PAGE))));
            }
            CompletableFuture<Integer> stop =
                    meanwhile(() -> raw().send(ControlCommand.STOP_DEV, device.id(), 0));
            int answered = 0;
            while (!stop.isDone()) {
                List<Seen> all = device.queue().seen();
                for (; answered < all.size(); answered++) {
                    device.queue().answer(all.get(answered), all.get(answered).bytes());
                }
                Pause.briefly();
            }
            assertThat(stop.join()).isZero();
            device.queue().awaitAborted();
            assertThat(held).hasSize(4);
            // A disk that has gone has no size any more, so a late write finds no space.
            for (int i = 0; i < 8; i++) {
                assertThat(ClientDisk.await(answers.get(i)))
                        .as("request " + i)
                        .isIn((long) PAGE, (long) EIO, (long) Errno.ENOSPC.negated());
            }
            assertThat(answers.subList(0, 4)).allSatisfy(a -> assertThat(a.join()).isEqualTo(PAGE));
            assertThat(disk.run(Io.read(0, area.piece(0, PAGE))))
                    .as("after the end")
                    .isNotPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Attr.UBLK_ATTR_VOLATILE_CACHE})
    void aFlushOfAStoppedDiskFailsWhereThereIsACacheToFlush(int attributes) {
        Shape shape = Shape.plain().with(Shape.params(attributes));
        try (TestDevice device = live(shape, Handler.agreeing());
                ClientDisk disk = device.open()) {
            device.control().stop(device.id());
            assertThat(disk.run(Io.flush())).isEqualTo(attributes == 0 ? 0 : EIO);
        }
    }

    @Test
    void stoppingWaitsForTheServersAnswers() {
        try (TestDevice device = live(Shape.plain(), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> answer = disk.submit(Io.write(0, area.all()));
            Seen request = device.queue().awaitSeen(1).getFirst();
            CompletableFuture<Integer> stop =
                    meanwhile(() -> raw().send(ControlCommand.STOP_DEV, device.id(), 0));
            Pause.until("the other tags stay with the driver", () -> device.queue().aborted() == 0);
            assertThat(stop).isNotDone();
            device.queue().answer(request, PAGE);
            assertThat(stop.join()).isZero();
            assertThat(ClientDisk.await(answer)).isEqualTo(PAGE);
            device.queue().awaitAborted();
        }
    }

    @Test
    void stoppingLetsADurableWriteEndWithItsFlush() {
        Shape shape = Shape.plain().with(Shape.params(Attr.UBLK_ATTR_VOLATILE_CACHE));
        Handler holdsWrites =
                (request, data) ->
                        request.op() == IoOp.UBLK_IO_OP_WRITE ? Handler.HOLD : request.bytes();
        try (TestDevice device = live(shape, holdsWrites);
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> write = disk.submit(Io.durableWrite(0, area.all()));
            Seen held = device.queue().awaitSeen(1).getFirst();
            CompletableFuture<Integer> stop =
                    meanwhile(() -> raw().send(ControlCommand.STOP_DEV, device.id(), 0));
            Pause.until("the stop", () -> disk.run(Io.read(0, area.all())) < PAGE);
            device.queue().answer(held, PAGE);
            assertThat(ClientDisk.await(write)).isEqualTo(PAGE);
            assertThat(stop.join()).isZero();
            assertThat(device.queue().seen())
                    .extracting(Seen::op)
                    .startsWith(IoOp.UBLK_IO_OP_WRITE)
                    .endsWith(IoOp.UBLK_IO_OP_FLUSH);
        }
    }

    @Test
    void stoppingOnConditionNeedsADisk() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.TRY_STOP_DEV, device.id(), 0)).isEqualTo(ENODEV);
        }
    }

    @Test
    void stoppingOnConditionIsRefusedWhileSomebodyHasTheDiskOpen() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            try (ClientDisk disk = device.open()) {
                assertThat(disk.size()).isEqualTo(Shape.SIZE);
                assertThat(raw().send(ControlCommand.TRY_STOP_DEV, device.id(), 0))
                        .isEqualTo(EBUSY);
                assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
            }
            Pause.until(
                    "the disk is closed and the device stops",
                    () -> raw().send(ControlCommand.TRY_STOP_DEV, device.id(), 0) == 0);
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertThat(raw().send(ControlCommand.TRY_STOP_DEV, device.id(), 0)).isEqualTo(ENODEV);
        }
    }

    @Test
    void resizingNeedsADisk() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            assertThat(raw().send(ControlCommand.UPDATE_SIZE, device.id(), 4096)).isEqualTo(ENODEV);
        }
    }

    /** The feature says that the command is there; the driver does not ask for it. */
    @Test
    void resizingWorksOnALiveDeviceWithOrWithoutTheFeature() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing());
                ClientDisk disk = device.open()) {
            assertThat(raw().send(ControlCommand.UPDATE_SIZE, device.id(), 4096)).isZero();
            assertThat(disk.size()).isEqualTo(4096 * 512);
            assertThat(raw().send(ControlCommand.UPDATE_SIZE, device.id(), 65536)).isZero();
            assertThat(disk.size()).isEqualTo(65536 * 512);
            var basic = device.control().params(device.id()).basic();
            assertThat(basic).isNotNull();
            assertThat(basic == null ? 0 : basic.devSectors()).isEqualTo(65536);
        }
    }

    @Test
    void aDeletedDeviceIsGone() {
        TestDevice device = live(Shape.plain(), Handler.agreeing());
        device.delete();
        assertThat(raw().send(ControlCommand.GET_DEV_INFO, device.id(), 0)).isEqualTo(ENODEV);
        assertThat(raw().send(ControlCommand.DEL_DEV, device.id(), 0)).isEqualTo(ENODEV);
    }

    @Test
    void deletingALiveDeviceStopsItAndWaitsForItsServerToLeave() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            CompletableFuture<Integer> delete =
                    meanwhile(() -> raw().send(ControlCommand.DEL_DEV, device.id(), 0));
            device.queue().awaitAborted();
            assertThat(delete).isNotDone();
            device.detach();
            assertThat(delete.join()).isZero();
        }
    }

    @Test
    void deletingWithoutWaitingLeavesTheNumberTakenUntilTheServerHasLeft() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            int id = device.id();
            assertThat(raw().send(ControlCommand.DEL_DEV_ASYNC, id, 0)).isZero();
            device.queue().awaitAborted();
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertThat(raw().send(ControlCommand.DEL_DEV_ASYNC, id, 0)).isZero();
            assertThatThrownBy(() -> device.control().add(Shape.plain().request(id)))
                    .isInstanceOfSatisfying(
                            LinuxException.class, e -> assertThat(e.number()).isEqualTo(-EEXIST));
            device.detach();
            Pause.until(
                    "the number is free",
                    () -> raw().send(ControlCommand.DEL_DEV_ASYNC, id, 0) == ENODEV);
        }
    }

    @Test
    void deletingWaitsForWhoeverHasTheDiskOpen() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            ClientDisk disk = device.open();
            device.control().stop(device.id());
            device.detach();
            CompletableFuture<Integer> delete =
                    meanwhile(() -> raw().send(ControlCommand.DEL_DEV, device.id(), 0));
            assertThat(delete).isNotDone();
            disk.close();
            assertThat(delete.join()).isZero();
        }
    }

    @Test
    void aDeviceIsServedByAllItsQueues() {
        try (TestDevice device = live(Shape.plain().with(2, 4), Handler.agreeing())) {
            device.control().stop(device.id());
            for (int queue = 0; queue < device.info().queues(); queue++) {
                device.queue(queue).awaitAborted();
                assertThat(device.queue(queue).refused()).isEmpty();
            }
        } catch (ControlTimeoutException e) {
            throw new AssertionError("stopping hangs", e);
        }
    }

    @Test
    void manyDevicesLiveSideBySide() {
        List<TestDevice> devices = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                devices.add(live(Shape.plain(), Handler.agreeing()));
            }
            assertThat(devices.stream().map(TestDevice::id).distinct()).hasSize(8);
            assertThat(devices)
                    .allSatisfy(d -> assertThat(d.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE));
        } finally {
            devices.forEach(TestDevice::close);
        }
    }
}
