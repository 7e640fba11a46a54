package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.control.Credentials;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class UnprivilegedTest {
    private static final long UNPRIVILEGED = Feature.UBLK_F_UNPRIVILEGED_DEV;

    private final EmbeddedDriver root = EmbeddedDriver.create();
    private final EmbeddedDriver alice = root.as(new Credentials(1000, 1000, false));
    private final EmbeddedDriver bob = root.as(new Credentials(1001, 1001, false));

    private int info(EmbeddedDriver caller, int op, int id, String path) {
        MemorySegment info = Arena.ofAuto().allocate(DeviceInfoLayout.SIZE, 8);
        MemorySegment all = Commands.withPath(path, info);
        return new Commands(caller)
                .send(
                        op,
                        id,
                        ControlCommandLayout.NO_QUEUE,
                        all.address(),
                        (int) all.byteSize(),
                        0,
                        path.length() + 1);
    }

    @Test
    void onlyAnUnprivilegedDeviceMayBeAddedWithoutPrivilege() {
        assertThat(new Commands(alice).add(1, 1, 0)).isEqualTo(Errno.EPERM.negated());
        MemorySegment info = Commands.info(-1, 1, 1, UNPRIVILEGED);
        assertThat(new Commands(alice).add(info)).isZero();
        assertThat(DeviceInfoLayout.ownerUid(info, 0)).isEqualTo(1000);
        assertThat(DeviceInfoLayout.flags(info, 0) & UNPRIVILEGED).isNotZero();
    }

    @Test
    void whatNeedsTrustIsRefused() {
        long[] direct = {
            Feature.UBLK_F_USER_COPY, Feature.UBLK_F_SUPPORT_ZERO_COPY, Feature.UBLK_F_AUTO_BUF_REG
        };
        for (long feature : direct) {
            assertThat(new Commands(alice).add(1, 1, UNPRIVILEGED | feature))
                    .isEqualTo(Errno.EINVAL.negated());
        }
        MemorySegment info = Commands.info(-1, 1, 1, UNPRIVILEGED | Feature.UBLK_F_USER_RECOVERY);
        assertThat(new Commands(alice).add(info)).isZero();
        assertThat(DeviceInfoLayout.flags(info, 0) & Feature.UBLK_F_USER_RECOVERY).isZero();
    }

    @Test
    void aDeviceOfThePrivilegedIsClosedToOthers() {
        assertThat(new Commands(root).add(1, 1, 0)).isZero();
        assertThat(info(alice, ControlCommand.UBLK_U_CMD_GET_DEV_INFO2, 0, "/dev/ublkc0"))
                .isEqualTo(Errno.EPERM.negated());
        assertThatThrownBy(() -> alice.open(0))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EACCES));
    }

    @Test
    void theOwnerNamesItsDeviceByPath() {
        Commands commands = new Commands(alice);
        assertThat(commands.add(1, 1, UNPRIVILEGED)).isZero();
        assertThat(commands.add(1, 1, UNPRIVILEGED)).isEqualTo(1);
        int op = ControlCommand.UBLK_U_CMD_GET_DEV_INFO2;
        assertThat(info(alice, op, 0, "/dev/ublkc0")).isZero();
        assertThat(info(root, op, 0, "/dev/ublkc0")).isZero();
        assertThat(info(bob, op, 0, "/dev/ublkc0")).isEqualTo(Errno.EACCES.negated());
        assertThat(info(alice, op, 0, "/dev/ublkc1")).isEqualTo(Errno.EPERM.negated());
        assertThat(info(alice, op, 0, "/dev/ublkc2")).isEqualTo(Errno.ENOENT.negated());
        assertThat(info(alice, op, 0, "/dev/null")).isEqualTo(Errno.EPERM.negated());
        assertThat(info(alice, op, 0, "/nowhere")).isEqualTo(Errno.ENOENT.negated());
        assertThat(commands.simple(op, 0, 0)).isEqualTo(Errno.EINVAL.negated());
        int path = "/dev/ublkc0".length() + 1;
        assertThat(commands.send(op, 0, ControlCommandLayout.NO_QUEUE, 16, 64, 0, path))
                .isEqualTo(Errno.EFAULT.negated());
        assertThat(commands.send(op, 0, ControlCommandLayout.NO_QUEUE, 16, path - 1, 0, path))
                .isEqualTo(Errno.EINVAL.negated());
        assertThat(commands.send(op, 0, ControlCommandLayout.NO_QUEUE, 16, 5000, 0, 4097))
                .isEqualTo(Errno.EINVAL.negated());
        assertThat(info(alice, ControlCommand.UBLK_U_CMD_DEL_DEV_ASYNC, 0, "/dev/ublkc0"))
                .isEqualTo(Errno.EINVAL.negated());
        assertThat(info(alice, ControlCommand.UBLK_U_CMD_DEL_DEV, 0, "/dev/ublkc0")).isZero();
    }

    @Test
    void thereAreAtMostSixtyFour() {
        Commands commands = new Commands(alice);
        for (int id = 0; id < 64; id++) {
            assertThat(commands.add(1, 1, UNPRIVILEGED)).isEqualTo(id);
        }
        assertThat(commands.add(1, 1, UNPRIVILEGED)).isEqualTo(Errno.EACCES.negated());
        assertThat(info(alice, ControlCommand.UBLK_U_CMD_DEL_DEV, 9, "/dev/ublkc9")).isZero();
        assertThat(commands.add(1, 1, UNPRIVILEGED)).isEqualTo(9);
    }
}
