package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code ADD_DEV} takes, refuses and makes of it. */
public abstract class AddRules extends LaneRules {
    private static final int ADD = ControlCommand.UBLK_U_CMD_ADD_DEV;
    private static final int MAX_DEVICES = 1 << 20;

    protected AddRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    /** {@return what ADD_DEV answers to the plain shape with a change} */
    private int add(BiConsumer<MemorySegment, Long> change) {
        return add(-1, change);
    }

    private int add(int headerId, BiConsumer<MemorySegment, Long> change) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, 8);
            DeviceInfoLayout.write(info, 0, Shape.plain().request(-1));
            change.accept(info, 0L);
            int answer = raw().send(ControlCommand.ADD_DEV, headerId, info);
            if (answer >= 0) {
                control().delete(DeviceInfoLayout.devId(info, 0));
            }
            return answer;
        }
    }

    @Test
    void thePlainDeviceIsAdded() {
        assertThat(add((info, base) -> {})).isZero();
    }

    @Test
    void aStructureThatIsTooShortIsInvalid() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, 8);
            DeviceInfoLayout.write(info, 0, Shape.plain().request(-1));
            assertThat(
                            raw().send(
                                            ControlCommand.ADD_DEV,
                                            -1,
                                            DeviceInfoLayout.SIZE - 1,
                                            info.address()))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aStructureThatIsLongerThanTheDriversIsTaken() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(2 * DeviceInfoLayout.SIZE, 8);
            DeviceInfoLayout.write(info, 0, Shape.plain().request(-1));
            assertThat(raw().send(ControlCommand.ADD_DEV, -1, info)).isZero();
            control().delete(DeviceInfoLayout.devId(info, 0));
        }
    }

    @Test
    void noStructureAtAllIsInvalid() {
        assertThat(raw().send(ControlCommand.ADD_DEV, -1, DeviceInfoLayout.SIZE, 0))
                .isEqualTo(EINVAL);
    }

    @Test
    void aStructureThatCannotBeReadIsAFault() {
        assertThat(raw().send(ControlCommand.ADD_DEV, -1, DeviceInfoLayout.SIZE, RawControl.WILD))
                .isEqualTo(EFAULT);
    }

    @Test
    void aQueueInTheHeaderIsInvalidBeforeTheStructureIsRead() {
        assertThat(raw().send(ADD, -1, 0, DeviceInfoLayout.SIZE, RawControl.WILD, 0))
                .isEqualTo(EINVAL);
    }

    @Test
    void aDeviceWhoseAnswerCannotBeWrittenIsNotAdded() {
        try (Arena arena = Arena.ofShared();
                SharedMemory file = SharedMemory.create("info", PAGE)) {
            MemorySegment writable = file.map(arena, false);
            DeviceInfoLayout.write(writable, 0, Shape.plain().request(77));
            MemorySegment readOnly = file.map(arena, true);
            assertThat(
                            raw().send(
                                            ControlCommand.ADD_DEV,
                                            77,
                                            DeviceInfoLayout.SIZE,
                                            readOnly.address()))
                    .isEqualTo(EFAULT);
            assertThat(raw().send(ControlCommand.DEL_DEV, 77, 0)).isEqualTo(ENODEV);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, BufferOffset.UBLK_MAX_QUEUE_DEPTH + 1, 65535})
    void aDepthOutOfRangeIsInvalid(int depth) {
        assertThat(add((info, base) -> DeviceInfoLayout.queueDepth(info, base, depth)))
                .isEqualTo(EINVAL);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, BufferOffset.UBLK_MAX_NR_QUEUES + 1, 65535})
    void aNumberOfQueuesOutOfRangeIsInvalid(int queues) {
        assertThat(add((info, base) -> DeviceInfoLayout.nrHwQueues(info, base, queues)))
                .isEqualTo(EINVAL);
    }

    @Test
    void moreQueuesThanProcessorsBecomeAsManyAsProcessors() {
        try (TestDevice device = added(Shape.plain().with(BufferOffset.UBLK_MAX_NR_QUEUES, 1))) {
            assertThat(device.info().queues())
                    .isBetween(1, BufferOffset.UBLK_MAX_NR_QUEUES - 1)
                    .isGreaterThanOrEqualTo(Runtime.getRuntime().availableProcessors());
        }
    }

    @Test
    void theGreatestDepthIsTaken() {
        try (TestDevice device = added(Shape.plain().with(1, BufferOffset.UBLK_MAX_QUEUE_DEPTH))) {
            assertThat(device.info().queueDepth()).isEqualTo(BufferOffset.UBLK_MAX_QUEUE_DEPTH);
        }
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                Feature.UBLK_F_USER_RECOVERY_REISSUE,
                Feature.UBLK_F_USER_RECOVERY_FAIL_IO,
                Feature.UBLK_F_USER_RECOVERY_REISSUE | Feature.UBLK_F_USER_RECOVERY_FAIL_IO,
                Feature.UBLK_F_USER_RECOVERY
                        | Feature.UBLK_F_USER_RECOVERY_REISSUE
                        | Feature.UBLK_F_USER_RECOVERY_FAIL_IO
            })
    void recoveryFeaturesThatMakeNoSenseTogetherAreInvalid(long features) {
        assertThat(add((info, base) -> DeviceInfoLayout.flags(info, base, features)))
                .isEqualTo(EINVAL);
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                Feature.UBLK_F_USER_RECOVERY,
                Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_USER_RECOVERY_REISSUE,
                Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_USER_RECOVERY_FAIL_IO,
                Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_QUIESCE
            })
    void recoveryFeaturesThatMakeSenseAreTaken(long features) {
        assertThat(add((info, base) -> DeviceInfoLayout.flags(info, base, features))).isZero();
    }

    @Test
    void quiescingWithoutRecoveryIsInvalid() {
        assertThat(add((info, base) -> DeviceInfoLayout.flags(info, base, Feature.UBLK_F_QUIESCE)))
                .isEqualTo(EINVAL);
    }

    @Test
    void integrityWithoutUserCopyIsInvalid() {
        assertThat(
                        add((info, base) ->
                                DeviceInfoLayout.flags(info, base, Feature.UBLK_F_INTEGRITY)))
                .isEqualTo(EINVAL);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 16, 23, 28, 257, 264})
    void aDescriptorSizeThatIsTooSmallOrTooLargeOrNotAlignedIsInvalid(int bytes) {
        since73();
        assertThat(
                        add((info, base) -> {
                            DeviceInfoLayout.flags(info, base, Feature.UBLK_F_IO_DESC_SIZE);
                            DeviceInfoLayout.ioDescSize(info, base, bytes);
                        }))
                .isEqualTo(EINVAL);
    }

    @ParameterizedTest
    @ValueSource(ints = {24, 32, 64, 256})
    void aDescriptorSizeIsKept(int bytes) {
        since73();
        try (TestDevice device = added(Shape.plain().withDescriptorBytes(bytes))) {
            assertThat(device.info().ioDescSize()).isEqualTo(bytes);
        }
    }

    @Test
    void aDescriptorSizeThatWasNotAskedForAsAFeatureIsTheUsual() {
        since73();
        Shape plain = Shape.plain();
        Shape shape =
                new Shape(
                        plain.queues(),
                        plain.depth(),
                        plain.maxIo(),
                        plain.features(),
                        64,
                        plain.params());
        try (TestDevice device = added(shape)) {
            assertThat(device.info().ioDescSize()).isEqualTo(24);
        }
    }

    @Test
    void aNumberThatDiffersFromTheHeadersIsInvalid() {
        assertThat(add(5, (info, base) -> DeviceInfoLayout.devId(info, base, 6))).isEqualTo(EINVAL);
    }

    @ParameterizedTest
    @ValueSource(ints = {MAX_DEVICES, MAX_DEVICES + 1, Integer.MAX_VALUE, -2})
    void aNumberThatIsTooLargeIsInvalid(int id) {
        assertThat(add(id, (info, base) -> DeviceInfoLayout.devId(info, base, id)))
                .isEqualTo(EINVAL);
    }

    @Test
    void theLargestNumberIsTaken() {
        int id = MAX_DEVICES - 1;
        assertThat(add(id, (info, base) -> DeviceInfoLayout.devId(info, base, id))).isZero();
    }

    @Test
    void aNumberThatIsTakenExistsAlready() {
        try (TestDevice device = added(Shape.plain())) {
            int id = device.id();
            assertThat(add(id, (info, base) -> DeviceInfoLayout.devId(info, base, id)))
                    .isEqualTo(EEXIST);
        }
    }

    @Test
    void everyRangeIsCheckedBeforeTheNumber() {
        try (TestDevice device = added(Shape.plain())) {
            int id = device.id();
            assertThat(
                            add(
                                    id,
                                    (info, base) -> {
                                        DeviceInfoLayout.devId(info, base, id);
                                        DeviceInfoLayout.queueDepth(info, base, 0);
                                    }))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void theLowestFreeNumberIsChosen() {
        try (TestDevice first = added(Shape.plain());
                TestDevice second = added(Shape.plain())) {
            assertThat(second.id()).isGreaterThan(first.id());
            int freed = first.id();
            first.delete();
            try (TestDevice third = added(Shape.plain())) {
                assertThat(third.id()).isEqualTo(freed);
            }
        }
    }

    @Test
    void unknownFeaturesAreDropped() {
        Shape plain = Shape.plain();
        Shape shape =
                new Shape(
                        plain.queues(),
                        plain.depth(),
                        plain.maxIo(),
                        1L << 62 | Feature.UBLK_F_NO_AUTO_PART_SCAN,
                        0,
                        plain.params());
        try (TestDevice device = added(shape)) {
            assertThat(device.info().flags() & 1L << 62).isZero();
            assertThat(device.info().features()).contains(Feature.NO_AUTO_PART_SCAN);
        }
    }

    @Test
    void everyDeviceHasWhatTheDriverAlwaysDoes() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(device.info().features())
                    .contains(
                            Feature.CMD_IOCTL_ENCODE,
                            Feature.URING_CMD_COMP_IN_TASK,
                            Feature.PER_IO_DAEMON,
                            Feature.SAFE_STOP_DEV);
        }
    }

    @Test
    void userCopyMakesGetDataPointless() {
        try (TestDevice device =
                added(Shape.plain().with(Feature.USER_COPY, Feature.NEED_GET_DATA))) {
            assertThat(device.info().features())
                    .contains(Feature.USER_COPY)
                    .doesNotContain(Feature.NEED_GET_DATA);
        }
    }

    @Test
    void aPrivilegedCallersDeviceIsNeverUnprivileged() {
        try (TestDevice device = added(Shape.plain().with(Feature.UNPRIVILEGED_DEV))) {
            assertThat(device.info().features()).doesNotContain(Feature.UNPRIVILEGED_DEV);
        }
    }

    @Test
    void theLargestRequestIsRoundedDownToAPage() {
        Shape plain = Shape.plain();
        Shape shape = new Shape(1, 4, 3 * PAGE + 100, plain.features(), 0, plain.params());
        try (TestDevice device = added(shape)) {
            assertThat(device.info().maxIoBufBytes()).isEqualTo(3 * PAGE);
        }
    }

    @Test
    void aNewDeviceIsDeadAndHasNoServerWhateverTheCallerSays() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, 8);
            DeviceInfoLayout.write(info, 0, Shape.plain().request(-1));
            DeviceInfoLayout.state(info, 0, DeviceState.UBLK_S_DEV_LIVE);
            DeviceInfoLayout.ublksrvPid(info, 0, 1);
            DeviceInfoLayout.ublksrvFlags(info, 0, 0x1234);
            assertThat(raw().send(ControlCommand.ADD_DEV, -1, info)).isZero();
            DeviceInfo made = DeviceInfoLayout.read(info);
            control().delete(made.deviceId());
            assertThat(made.state()).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertThat(made.serverPid()).isEqualTo(-1);
            assertThat(made.serverFlags()).isEqualTo(0x1234);
        }
    }

    @Test
    void aDeviceBelongsToWhoAddedIt() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(device.info().ownerUid())
                    .isEqualTo((int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0));
            assertThat(device.info().ownerGid())
                    .isEqualTo((int) Syscall.call(Syscall.Call.GETGID, 0, 0, 0));
        }
    }

    @Test
    void theCharDeviceOfAnUnknownDeviceIsNotThere() {
        assertThatThrownBy(() -> lane().driver().open(4711))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void theCharDeviceHasOneOpenerAtATime() {
        try (TestDevice device = added(Shape.plain())) {
            device.attach((request, data) -> 0);
            assertThatThrownBy(() -> lane().driver().open(device.id()))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
        }
    }
}
