package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddDeviceTest {
    private static final int EINVAL = Errno.EINVAL.negated();

    private final EmbeddedDriver driver =
            EmbeddedDriver.create(EmbeddedOptions.defaults().withCpus(4));
    private final Commands commands = new Commands(driver);

    @AfterEach
    void noDeviceStays() {
        for (int id : driver.deviceIds()) {
            assertThat(commands.delete(id)).isZero();
        }
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void theLowestFreeNumberIsGiven() {
        assertThat(commands.add(1, 1, 0)).isZero();
        assertThat(commands.add(1, 1, 0)).isEqualTo(1);
        assertThat(commands.add(1, 1, 0)).isEqualTo(2);
        assertThat(commands.delete(1)).isZero();
        assertThat(commands.add(1, 1, 0)).isEqualTo(1);
    }

    @Test
    void aNumberCanBeAskedForOnce() {
        assertThat(commands.add(Commands.info(7, 1, 1, 0))).isZero();
        assertThat(commands.add(Commands.info(7, 1, 1, 0))).isEqualTo(Errno.EEXIST.negated());
        assertThat(commands.add(Commands.info(1 << 20, 1, 1, 0))).isEqualTo(EINVAL);
        assertThat(commands.add(Commands.info(-2, 1, 1, 0))).isEqualTo(EINVAL);
        assertThat(commands.add(Commands.info((1 << 20) - 1, 1, 1, 0))).isZero();
    }

    @ParameterizedTest(name = "{0} queues of {1}: {2}")
    @CsvSource({"0,1,-22", "1,0,-22", "4096,1,0", "4097,1,-22", "1,4096,0", "1,4097,-22"})
    void queuesAndDepthHaveLimits(int queues, int depth, int answer) {
        assertThat(commands.add(Commands.info(-1, queues, depth, 0))).isEqualTo(answer);
    }

    @Test
    void whatIsSettledIsWrittenBack() {
        MemorySegment info = Commands.info(-1, 9, 3, -1L ^ recovery());
        DeviceInfoLayout.flags(info, 0, DeviceInfoLayout.flags(info, 0) ^ Feature.UBLK_F_QUIESCE);
        DeviceInfoLayout.ioDescSize(info, 0, 32);
        DeviceInfoLayout.maxIoBufBytes(info, 0, 12_345);
        DeviceInfoLayout.state(info, 0, 3);
        DeviceInfoLayout.ublksrvFlags(info, 0, 99);
        assertThat(commands.add(info)).isZero();
        assertThat(DeviceInfoLayout.nrHwQueues(info, 0)).isEqualTo(4);
        assertThat(DeviceInfoLayout.queueDepth(info, 0)).isEqualTo(3);
        assertThat(DeviceInfoLayout.maxIoBufBytes(info, 0)).isEqualTo(12_288);
        assertThat(DeviceInfoLayout.state(info, 0)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        assertThat(DeviceInfoLayout.ublksrvPid(info, 0)).isEqualTo(-1);
        assertThat(DeviceInfoLayout.ublksrvFlags(info, 0)).isEqualTo(99);
        assertThat(DeviceInfoLayout.ioDescSize(info, 0)).isEqualTo(32);
        long left = recovery() | Feature.UBLK_F_QUIESCE | Feature.UBLK_F_UNPRIVILEGED_DEV;
        assertThat(DeviceInfoLayout.flags(info, 0))
                .isEqualTo(
                        commands.features()
                                & ~left
                                & ~Feature.UBLK_F_NEED_GET_DATA
                                & ~Feature.UBLK_F_PER_IO_DAEMON);
        assertThat(commands.describe(DeviceInfoLayout.devId(info, 0)).mismatch(info)).isEqualTo(-1);
    }

    private static long recovery() {
        return Feature.UBLK_F_USER_RECOVERY
                | Feature.UBLK_F_USER_RECOVERY_REISSUE
                | Feature.UBLK_F_USER_RECOVERY_FAIL_IO;
    }

    @ParameterizedTest(name = "flags {0}: {1}")
    @CsvSource({
        "0x8, 0", // USER_RECOVERY
        "0x18, 0", // and REISSUE
        "0x208, 0", // and FAIL_IO
        "0x10, -22",
        "0x200, -22",
        "0x218, -22",
        "0x1000, -22", // QUIESCE without USER_RECOVERY
        "0x1008, 0",
        "0x10000, -22", // INTEGRITY without USER_COPY
        "0x100, -22", // ZONED
        "0x8801, 0", // SUPPORT_ZERO_COPY, AUTO_BUF_REG, BATCH_IO
    })
    void featuresThatDoNotGoTogetherAreRefused(long flags, int answer) {
        assertThat(commands.add(Commands.info(-1, 1, 1, flags))).isEqualTo(answer);
    }

    @ParameterizedTest(name = "{0} bytes: {1}")
    @CsvSource({"24,0", "16,-22", "28,-22", "32,0", "256,0", "264,-22"})
    void descriptorsHaveASizeThatFits(int bytes, int answer) {
        MemorySegment info = Commands.info(-1, 1, 1, Feature.UBLK_F_IO_DESC_SIZE);
        DeviceInfoLayout.ioDescSize(info, 0, bytes);
        assertThat(commands.add(info)).isEqualTo(answer);
    }

    @Test
    void theSizeOfDescriptorsIsTwentyFourUnlessAskedFor() {
        MemorySegment info = Commands.info(-1, 1, 1, 0);
        DeviceInfoLayout.ioDescSize(info, 0, 128);
        assertThat(commands.add(info)).isZero();
        assertThat(DeviceInfoLayout.ioDescSize(info, 0)).isEqualTo(24);
    }

    @Test
    void theCommandItselfIsChecked() {
        int op = ControlCommand.UBLK_U_CMD_ADD_DEV;
        MemorySegment info = Commands.info(-1, 1, 1, 0);
        int none = ControlCommandLayout.NO_QUEUE;
        assertThat(commands.send(op, -1, none, info.address(), 63, 0, 0)).isEqualTo(EINVAL);
        assertThat(commands.send(op, -1, none, 0, 64, 0, 0)).isEqualTo(EINVAL);
        assertThat(commands.send(op, -1, 0, info, 0)).isEqualTo(EINVAL);
        assertThat(commands.send(op, 3, none, info, 0)).isEqualTo(EINVAL);
        assertThat(commands.send(op, -1, none, 16, 64, 0, 0)).isEqualTo(Errno.EFAULT.negated());
        assertThat(commands.send(op, -1, none, info, 0)).isZero();
    }

    @Test
    void aLegacyNumberIsTheSameCommand() {
        MemorySegment info = Commands.info(-1, 1, 1, 0);
        assertThat(
                        commands.send(
                                ControlCommand.UBLK_CMD_ADD_DEV,
                                -1,
                                ControlCommandLayout.NO_QUEUE,
                                info,
                                0))
                .isZero();
        assertThat(commands.simple(ControlCommand.UBLK_CMD_STOP_DEV, 0, 0)).isZero();
    }

    @Test
    void unknownCommandsAreNotSupported() {
        assertThat(commands.add(1, 1, 0)).isZero();
        int unknown = (ControlCommand.UBLK_U_CMD_STOP_DEV & ~0xff) | 0x7f;
        assertThat(commands.simple(unknown, 0, 0)).isEqualTo(Errno.EOPNOTSUPP.negated());
        assertThat(commands.simple(unknown, 5, 0)).isEqualTo(Errno.ENODEV.negated());
        int foreign = ControlCommand.UBLK_U_CMD_STOP_DEV ^ ('u' ^ 'v') << 8;
        assertThat(commands.simple(foreign, 0, 0)).isEqualTo(Errno.EOPNOTSUPP.negated());
        int legacyFeatures = ControlCommand.UBLK_U_CMD_GET_FEATURES & 0xff;
        assertThat(commands.simple(legacyFeatures, 0, 0)).isEqualTo(Errno.EOPNOTSUPP.negated());
    }

    @Test
    void featuresNeedEightBytes() {
        int op = ControlCommand.UBLK_U_CMD_GET_FEATURES;
        assertThat(commands.send(op, 0, ControlCommandLayout.NO_QUEUE, 4096, 4, 0, 0))
                .isEqualTo(EINVAL);
        assertThat(commands.send(op, 0, ControlCommandLayout.NO_QUEUE, 0, 8, 0, 0))
                .isEqualTo(EINVAL);
        assertThat(commands.send(op, 0, ControlCommandLayout.NO_QUEUE, 16, 8, 0, 0))
                .isEqualTo(Errno.EFAULT.negated());
        assertThat(commands.features() & Feature.UBLK_F_SHMEM_ZC).isNotZero();
    }
}
