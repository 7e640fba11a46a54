package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Unknown commands and devices, and the commands that only ask. */
public abstract class ControlRules extends LaneRules {
    private static final int UNKNOWN =
            (3 << 30) | (ControlCommandLayout.SIZE << 16) | ('u' << 8) | 0x1f;

    protected ControlRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ADD_DEV", "GET_FEATURES"})
    void everyCommandToAnUnknownDeviceSaysSo(ControlCommand command) {
        assertThat(raw().send(command, 4711, 0)).isEqualTo(ENODEV);
        assertThat(raw().send(command, -1, 0)).isEqualTo(ENODEV);
    }

    @Test
    void anUnknownCommandIsNotSupported() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(UNKNOWN, device.id(), ControlCommandLayout.NO_QUEUE, 0, 0, 0))
                    .isEqualTo(EOPNOTSUPP);
        }
    }

    @Test
    void theDeviceIsLookedUpBeforeTheCommand() {
        assertThat(raw().send(UNKNOWN, 4711, ControlCommandLayout.NO_QUEUE, 0, 0, 0))
                .isEqualTo(ENODEV);
    }

    @Test
    void aCommandOfAnotherTypeIsNotSupportedWhateverTheDevice() {
        int op = (ControlCommand.UBLK_U_CMD_GET_DEV_INFO & ~0xff00) | ('v' << 8);
        assertThat(raw().send(op, 4711, ControlCommandLayout.NO_QUEUE, 0, 0, 0))
                .isEqualTo(EOPNOTSUPP);
    }

    @Test
    void aCommandIsKnownByItsBareNumberToo() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, 8);
            assertThat(
                            raw().send(
                                            ControlCommand.UBLK_CMD_GET_DEV_INFO,
                                            device.id(),
                                            ControlCommandLayout.NO_QUEUE,
                                            DeviceInfoLayout.SIZE,
                                            info.address(),
                                            0))
                    .isZero();
            assertThat(DeviceInfoLayout.devId(info, 0)).isEqualTo(device.id());
        }
    }

    @Test
    void theFeaturesOfBothDriversAreReported() {
        since73();
        assertThat(control().features())
                .contains(
                        Feature.URING_CMD_COMP_IN_TASK,
                        Feature.NEED_GET_DATA,
                        Feature.USER_RECOVERY,
                        Feature.USER_RECOVERY_REISSUE,
                        Feature.UNPRIVILEGED_DEV,
                        Feature.CMD_IOCTL_ENCODE,
                        Feature.USER_COPY,
                        Feature.USER_RECOVERY_FAIL_IO,
                        Feature.UPDATE_SIZE,
                        Feature.QUIESCE,
                        Feature.PER_IO_DAEMON,
                        Feature.SAFE_STOP_DEV,
                        Feature.NO_AUTO_PART_SCAN,
                        Feature.SHMEM_ZC,
                        Feature.IO_DESC_SIZE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 7, 9, 16})
    void theFeaturesWantALengthOfEightExactly(int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment features = arena.allocate(16, 8);
            assertThat(raw().send(ControlCommand.GET_FEATURES, -1, length, features.address()))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void theFeaturesWantAnAddressThatCanBeWritten() {
        assertThat(raw().send(ControlCommand.GET_FEATURES, -1, 8, 0)).isEqualTo(EINVAL);
        assertThat(raw().send(ControlCommand.GET_FEATURES, -1, 8, RawControl.WILD))
                .isEqualTo(EFAULT);
    }

    @Test
    void theInfoWantsALengthOfAtLeastItsStructure() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(2 * DeviceInfoLayout.SIZE, 8);
            long address = info.address();
            assertThat(raw().send(ControlCommand.GET_DEV_INFO, device.id(), 63, address))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_DEV_INFO, device.id(), 64, address)).isZero();
            assertThat(raw().send(ControlCommand.GET_DEV_INFO, device.id(), 128, address)).isZero();
        }
    }

    @Test
    void theInfoWantsAnAddressThatCanBeWritten() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.GET_DEV_INFO, device.id(), 64, 0))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_DEV_INFO, device.id(), 64, RawControl.WILD))
                    .isEqualTo(EFAULT);
        }
    }

    @Test
    void theInfoIsWhatAddDevAnswered() {
        try (TestDevice device = added(Shape.plain().with(2, 16))) {
            assertThat(control().info(device.id())).isEqualTo(device.info());
        }
    }

    @Test
    void theInfoOfALiveDeviceNamesItsServer() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            assertThat(control().info(device.id()).serverPid())
                    .isEqualTo((int) ProcessHandle.current().pid());
        }
    }

    @Test
    void theInfoByPathWantsAPath() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, 8);
            assertThat(raw().send(ControlCommand.GET_DEV_INFO2, device.id(), info))
                    .isEqualTo(EINVAL);
        }
    }

    private int infoByPath(TestDevice device, String path) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] text = (path + '\0').getBytes(StandardCharsets.UTF_8);
            MemorySegment payload = arena.allocate(text.length + DeviceInfoLayout.SIZE, 8);
            MemorySegment.copy(text, 0, payload, ValueLayout.JAVA_BYTE, 0, text.length);
            return raw().send(
                            ControlCommand.UBLK_U_CMD_GET_DEV_INFO2,
                            device.id(),
                            ControlCommandLayout.NO_QUEUE,
                            (int) payload.byteSize(),
                            payload.address(),
                            0,
                            text.length);
        }
    }

    @Test
    void thePathIsThatOfTheDevicesOwnCharDevice() {
        try (TestDevice device = added(Shape.plain());
                TestDevice other = added(Shape.plain())) {
            assertThat(infoByPath(device, "/dev/ublkc" + device.id())).isZero();
            assertThat(infoByPath(device, "/dev/ublkc" + other.id()))
                    .isEqualTo(Errno.EPERM.negated());
            assertThat(infoByPath(device, "/dev/ublkc4711")).isEqualTo(Errno.ENOENT.negated());
            assertThat(infoByPath(device, "/dev/null")).isEqualTo(Errno.EPERM.negated());
        }
    }

    @Test
    void thePathOfADeletedDeviceIsNotThereWhileItsServerIs() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing());
                TestDevice other = added(Shape.plain())) {
            String path = "/dev/ublkc" + device.id();
            device.control().deleteAsync(device.id());
            assertThat(infoByPath(device, path)).isEqualTo(Errno.ENOENT.negated());
            assertThat(infoByPath(other, path)).isEqualTo(Errno.ENOENT.negated());
        }
    }

    @Test
    void theProcessorsOfAQueueWantALengthThatHoldsThemAll() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(1024, 8);
            int id = device.id();
            assertThat(raw().send(ControlCommand.GET_QUEUE_AFFINITY, id, 0, mask.address()))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_QUEUE_AFFINITY, id, 1020, mask.address()))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_QUEUE_AFFINITY, id, 1024, mask.address()))
                    .isZero();
        }
    }

    @Test
    void theProcessorsOfAQueueWantAnAddressThatCanBeWritten() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.GET_QUEUE_AFFINITY, device.id(), 1024, 0))
                    .isEqualTo(EINVAL);
            assertThat(
                            raw().send(
                                            ControlCommand.GET_QUEUE_AFFINITY,
                                            device.id(),
                                            1024,
                                            RawControl.WILD))
                    .isEqualTo(EFAULT);
        }
    }

    @Test
    void theProcessorsOfAQueueThatIsNotThereAreInvalid() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(1024, 8);
            assertThat(
                            raw().send(
                                            ControlCommand.UBLK_U_CMD_GET_QUEUE_AFFINITY,
                                            device.id(),
                                            ControlCommandLayout.NO_QUEUE,
                                            1024,
                                            mask.address(),
                                            1))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void everyProcessorHasExactlyOneQueue() {
        try (TestDevice device = added(Shape.plain().with(2, 4))) {
            BitSet all = new BitSet();
            int count = 0;
            for (int queue = 0; queue < device.info().queues(); queue++) {
                BitSet some = control().affinity(device.id(), queue);
                assertThat(some.isEmpty()).isFalse();
                count += some.cardinality();
                all.or(some);
            }
            assertThat(count).isEqualTo(all.cardinality());
            assertThat(count).isGreaterThanOrEqualTo(Runtime.getRuntime().availableProcessors());
        }
    }
}
