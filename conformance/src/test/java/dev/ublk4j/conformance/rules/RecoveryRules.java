package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceParams;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What becomes of a device, and of its requests, when its server dies or is taken away. */
public abstract class RecoveryRules extends LaneRules {
    private static final int PID = (int) ProcessHandle.current().pid();

    protected RecoveryRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private static void awaitState(TestDevice device, int state) {
        Pause.until("state " + state, () -> device.state() == state);
    }

    private void recover(TestDevice device, Handler handler) {
        Pause.until(
                "the dead server's char device is released",
                () -> raw().send(ControlCommand.START_USER_RECOVERY, device.id(), 0) == 0);
        LifeRules.attachAgain(device, handler);
        device.fetchAll();
        device.control().endRecovery(device.id(), PID);
    }

    @Test
    void withoutRecoveryTheDeathOfTheServerStopsTheDeviceAndFailsItsRequests() {
        try (TestDevice device = live(Shape.plain(), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 8L * PAGE));
                ClientDisk disk = device.open()) {
            List<CompletableFuture<Long>> answers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                answers.add(
                        disk.submit(Io.read(i * 64L * PAGE, area.piece((long) i * PAGE, PAGE))));
            }
            var _ = device.queue().awaitSeen(4);
            answers.add(disk.submit(Io.read(256L * PAGE, area.piece(4 * PAGE, PAGE))));
            device.detach();
            for (CompletableFuture<Long> answer : answers) {
                assertThat(ClientDisk.await(answer)).isEqualTo(EIO);
            }
            awaitState(device, DeviceState.UBLK_S_DEV_DEAD);
            assertThat(raw().send(ControlCommand.START_USER_RECOVERY, device.id(), 0))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void withoutRecoveryADeviceWhoseServerDiedCanBeServedAgain() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            device.detach();
            awaitState(device, DeviceState.UBLK_S_DEV_DEAD);
            LifeRules.attachAgain(device, Handler.agreeing());
            device.fetchAll();
            device.start();
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
    }

    @Test
    void withRecoveryTheDeviceIsQuiescedAndKeepsNewRequestsForTheNextServer() {
        try (TestDevice device =
                        live(Shape.plain().with(Feature.USER_RECOVERY), Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            device.detach();
            awaitState(device, DeviceState.UBLK_S_DEV_QUIESCED);
            CompletableFuture<Long> kept = disk.submit(Io.write(0, area.all()));
            recover(device, Handler.agreeing());
            assertThat(ClientDisk.await(kept)).isEqualTo(PAGE);
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
    }

    @Test
    void withRecoveryRequestsThatTheDeadServerHeldFail() {
        try (TestDevice device =
                        live(Shape.plain().with(Feature.USER_RECOVERY), Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> held = disk.submit(Io.write(0, area.all()));
            var _ = device.queue().awaitSeen(1);
            device.detach();
            assertThat(ClientDisk.await(held)).isEqualTo(EIO);
            awaitState(device, DeviceState.UBLK_S_DEV_QUIESCED);
        }
    }

    @Test
    void withReissueRequestsThatTheDeadServerHeldGoToTheNextOne() {
        Shape shape = Shape.plain().with(Feature.USER_RECOVERY, Feature.USER_RECOVERY_REISSUE);
        try (TestDevice device = live(shape, Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> held = disk.submit(Io.write(8L * PAGE, area.all()));
            Seen first = device.queue().awaitSeen(1).getFirst();
            device.detach();
            awaitState(device, DeviceState.UBLK_S_DEV_QUIESCED);
            assertThat(held).isNotDone();
            recover(device, Handler.agreeing());
            assertThat(ClientDisk.await(held)).isEqualTo(PAGE);
            assertThat(device.queue().awaitSeen(1).getFirst().what()).isEqualTo(first.what());
        }
    }

    @Test
    void withFailIoEverythingFailsUntilThereIsAnotherServer() {
        Shape shape = Shape.plain().with(Feature.USER_RECOVERY, Feature.USER_RECOVERY_FAIL_IO);
        try (TestDevice device = live(shape, Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> held = disk.submit(Io.write(0, area.all()));
            var _ = device.queue().awaitSeen(1);
            device.detach();
            assertThat(ClientDisk.await(held)).isEqualTo(EIO);
            awaitState(device, DeviceState.UBLK_S_DEV_FAIL_IO);
            // BLK_STS_TARGET, which applications see as this.
            assertThat(disk.run(Io.write(0, area.all()))).isEqualTo(Errno.EREMOTEIO.negated());
            recover(device, Handler.agreeing());
            assertThat(disk.run(Io.write(0, area.all()))).isEqualTo(PAGE);
        }
    }

    @Test
    void aRequestThatCannotBeCutIsInvalidWhateverBecameOfItsFirstPart() {
        Shape shape =
                Shape.plain()
                        .with(Feature.USER_RECOVERY, Feature.USER_RECOVERY_FAIL_IO)
                        .with(
                                DeviceParams.of(
                                                new DeviceParams.Basic(
                                                        0,
                                                        12,
                                                        12,
                                                        12,
                                                        12,
                                                        128,
                                                        0,
                                                        Shape.SIZE >> 9,
                                                        4095))
                                        .with(new DeviceParams.DmaAlign(511)));
        try (TestDevice device = live(shape, Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, 8 * PAGE));
                ClientDisk disk = device.open()) {
            // After the first page a block goes on where no page begins.
            Io write =
                    Io.write(
                            0,
                            area.piece(0, PAGE),
                            area.piece(2 * PAGE, 512),
                            area.piece(4 * PAGE, PAGE - 512));
            assertThat(disk.run(write)).isEqualTo(EINVAL);
            device.detach();
            awaitState(device, DeviceState.UBLK_S_DEV_FAIL_IO);
            assertThat(disk.run(write)).isEqualTo(EINVAL);
        }
    }

    @Test
    void aQuiescedDeviceCanBeStoppedWhichFailsWhatItKept() {
        try (TestDevice device =
                        live(Shape.plain().with(Feature.USER_RECOVERY), Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            device.detach();
            awaitState(device, DeviceState.UBLK_S_DEV_QUIESCED);
            CompletableFuture<Long> kept = disk.submit(Io.write(0, area.all()));
            device.control().stop(device.id());
            assertThat(ClientDisk.await(kept)).isEqualTo(EIO);
            assertThat(device.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        }
    }

    @Test
    void recoveryOfADeviceWithoutTheFeatureIsInvalid() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            assertThat(raw().send(ControlCommand.START_USER_RECOVERY, device.id(), 0))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.END_USER_RECOVERY, device.id(), PID))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void recoveryOfALiveDeviceIsBusy() {
        try (TestDevice device =
                live(Shape.plain().with(Feature.USER_RECOVERY), Handler.agreeing())) {
            assertThat(raw().send(ControlCommand.START_USER_RECOVERY, device.id(), 0))
                    .isEqualTo(EBUSY);
            assertThat(raw().send(ControlCommand.END_USER_RECOVERY, device.id(), PID))
                    .isEqualTo(EBUSY);
            assertThat(raw().send(ControlCommand.END_USER_RECOVERY, device.id(), 1))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aDeviceIsRecoveredAgainAndAgain() {
        try (TestDevice device =
                        live(Shape.plain().with(Feature.USER_RECOVERY), Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            for (int round = 0; round < 3; round++) {
                device.detach();
                awaitState(device, DeviceState.UBLK_S_DEV_QUIESCED);
                recover(device, Handler.agreeing());
                assertThat(disk.run(Io.write(0, area.all()))).isEqualTo(PAGE);
            }
        }
    }

    @Test
    void quiescingADeviceWithoutTheFeatureIsNotSupported() {
        try (TestDevice device =
                live(Shape.plain().with(Feature.USER_RECOVERY), Handler.agreeing())) {
            assertThat(raw().send(ControlCommand.QUIESCE_DEV, device.id(), 0))
                    .isEqualTo(EOPNOTSUPP);
        }
    }

    @Test
    void quiescingNeedsADisk() {
        try (TestDevice device =
                added(Shape.plain().with(Feature.USER_RECOVERY, Feature.QUIESCE))) {
            assertThat(raw().send(ControlCommand.QUIESCE_DEV, device.id(), 0)).isEqualTo(ENODEV);
        }
    }

    @Test
    void quiescingTakesEveryTagBackAndKeepsRequestsForTheNextServer() {
        Shape shape = Shape.plain().with(Feature.USER_RECOVERY, Feature.QUIESCE);
        try (TestDevice device = live(shape, Handler.agreeing());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            assertThat(raw().send(ControlCommand.QUIESCE_DEV, device.id(), 0)).isZero();
            device.queue().awaitAborted();
            assertThat(device.state())
                    .as("until the server has closed the char device")
                    .isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
            CompletableFuture<Long> kept = disk.submit(Io.write(0, area.all()));
            device.detach();
            awaitState(device, DeviceState.UBLK_S_DEV_QUIESCED);
            assertThat(raw().send(ControlCommand.QUIESCE_DEV, device.id(), 0)).as("again").isZero();
            assertThat(kept).isNotDone();
            recover(device, Handler.agreeing());
            assertThat(ClientDisk.await(kept)).isEqualTo(PAGE);
        }
    }

    @Test
    void quiescingWaitsForATagThatIsIdleUntilItsPatienceEnds() {
        Shape shape = Shape.plain().with(1, 1).with(Feature.USER_RECOVERY, Feature.QUIESCE);
        try (TestDevice device = live(shape, Handler.holding());
                Arena arena = Arena.ofShared();
                ClientArea area = lane().area(pages(arena, PAGE));
                ClientDisk disk = device.open()) {
            CompletableFuture<Long> held = disk.submit(Io.write(0, area.all()));
            Seen request = device.queue().awaitSeen(1).getFirst();
            int answer = raw().send(ControlCommand.QUIESCE_DEV, device.id(), 50);
            // The kernel counts requests that have not been started, so a held one passes as idle.
            assertThat(answer).isZero();
            device.queue().answer(request, PAGE);
            assertThat(ClientDisk.await(held)).isEqualTo(PAGE);
        }
    }
}
