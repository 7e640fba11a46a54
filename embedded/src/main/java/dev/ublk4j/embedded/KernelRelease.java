package dev.ublk4j.embedded;

import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ParamType;

/**
 * A release of Linux that an embedded driver can be like: what its ublk driver has, and what it
 * does not fill in.
 *
 * <p>Only what a server sees is different. The order of declaration is the order of time.
 */
public enum KernelRelease {
    /*
     * What came when, as far as this driver has it at all (kernel, subject of the commit in
     * drivers/block/ublk_drv.c, or the header):
     * ----------------------------------------------------------------------------------------------
     *  6.0   ublk_drv: add io_uring based userspace block driver
     *  6.1   ublk_drv: define macros for recovery feature and check them
     *  6.3   ublk_drv: add device parameter UBLK_PARAM_TYPE_DEVT
     *  6.3   ublk_drv: support unprivileged device, with GET_DEV_INFO2
     *  6.4   block: ublk: switch to ioctl command encoding. Before, cmd_op is compared whole
     *  6.5   ublk: support user copy
     *  6.5   ublk: add control command of UBLK_U_CMD_GET_FEATURES. Before, a command that is not
     *        known is about a device that is not there
     *  6.6   ublk: enable zoned storage support
     *  6.7   ublk: support to delete a device without waiting (DEL_DEV_ASYNC)
     *  6.13  ublk: support device recovery without I/O queueing. Before, USER_RECOVERY_FAIL_IO is
     *        left out in silence, as is any other flag, and no combination is refused
     *  6.15  ublk: UBLK_PARAM_TYPE_DMA_ALIGN, UBLK_PARAM_TYPE_SEGMENT. Before, the types are left
     *        out in silence
     *  6.16  UPDATE_SIZE, QUIESCE, PER_IO_DAEMON (ublk_cmd.h of 6.16)
     *  7.0   SAFE_STOP_DEV, NO_AUTO_PART_SCAN (ublk_cmd.h of 7.0)
     *  7.1   SHMEM_ZC (ublk_cmd.h of 7.1)
     *  7.3   ublk: add UBLK_F_IO_DESC_SIZE. Before, io_desc_size is pad0, and comes back as sent
     */
    LINUX_6_1(6, 1),
    LINUX_6_4(6, 4),
    LINUX_6_6(6, 6),
    LINUX_6_12(6, 12),
    LINUX_6_18(6, 18),
    LINUX_7_0(7, 0),
    LINUX_7_1(7, 1),
    LINUX_7_2(7, 2),
    LINUX_7_3(7, 3);

    /** The newest: all that this driver has. */
    static final KernelRelease NEWEST = LINUX_7_3;

    private final int version;
    private final String text;
    private final long features;

    KernelRelease(int major, int minor) {
        version = version(major, minor);
        text = major + "." + minor;
        long flags = 0;
        for (Feature feature : Feature.of(Features.SUPPORTED)) {
            if (has(feature.since())) {
                flags |= feature.mask();
            }
        }
        features = flags;
    }

    private static int version(int major, int minor) {
        return major << 8 | minor;
    }

    private boolean has(String since) {
        int dot = since.indexOf('.');
        return version
                >= version(
                        Integer.parseInt(since, 0, dot, 10),
                        Integer.parseInt(since, dot + 1, since.length(), 10));
    }

    /** {@return {@code UBLK_F_ALL} of this driver, as of the release} */
    long features() {
        return features;
    }

    /** {@return what every device has, whether asked for or not} */
    long always() {
        return Features.ALWAYS & features;
    }

    /** {@return the types of parameters that are kept} */
    int parameterTypes() {
        int types = ParamType.UBLK_PARAM_TYPE_BASIC | ParamType.UBLK_PARAM_TYPE_DISCARD;
        if (has("6.3")) {
            types |= ParamType.UBLK_PARAM_TYPE_DEVT;
        }
        if (has("6.6")) {
            types |= ParamType.UBLK_PARAM_TYPE_ZONED;
        }
        if (has("6.15")) {
            types |= ParamType.UBLK_PARAM_TYPE_DMA_ALIGN | ParamType.UBLK_PARAM_TYPE_SEGMENT;
        }
        if (has("7.0")) {
            types |= ParamType.UBLK_PARAM_TYPE_INTEGRITY;
        }
        return types;
    }

    /** {@return whether the driver has a command} */
    boolean knows(ControlCommand command) {
        return has(command.since());
    }

    /** {@return whether operations are encoded like ioctls; before, the number alone is one} */
    boolean takesEncoded() {
        return has("6.4");
    }

    /** {@return whether flags that make no sense together are refused} */
    boolean checksFlags() {
        return has("6.13");
    }

    /** {@return whether {@code io_desc_size} is a field, rather than padding} */
    boolean hasDescriptorSize() {
        return has("7.3");
    }

    /** {@return the version, such as {@code Linux 6.12}} */
    @Override
    public String toString() {
        return "Linux " + text;
    }
}
