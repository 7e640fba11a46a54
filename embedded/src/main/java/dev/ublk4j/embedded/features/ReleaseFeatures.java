package dev.ublk4j.embedded.features;

import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ParamType;

/** What the ublk driver of one release of Linux has, as far as a server sees it. */
public final class ReleaseFeatures {
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
     *  7.0   BATCH_IO, INTEGRITY, SAFE_STOP_DEV, NO_AUTO_PART_SCAN (ublk_cmd.h of 7.0)
     *  7.1   SHMEM_ZC (ublk_cmd.h of 7.1)
     *  7.3   ublk: add UBLK_F_IO_DESC_SIZE. Before, io_desc_size is pad0, and comes back as sent
     *  7.3   UB_STATE_STOPPING (ublk_drv.c of 7.3). Before, a fetch does not look at it
     *  7.3   __ublk_complete_rq of 7.3: a request that has nothing to be copied back is done as a
     *        whole. Before, what the server has not done of it comes again
     */
    private final int version;
    private final long features;

    /** Looks up what a release has, such as 6 and 12 of Linux 6.12. */
    public ReleaseFeatures(int major, int minor) {
        version = version(major, minor);
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
    public long features() {
        return features;
    }

    /** {@return what every device has, whether asked for or not} */
    public long always() {
        return Features.ALWAYS & features;
    }

    /** {@return the types of parameters that are kept} */
    public int parameterTypes() {
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
    public boolean knows(ControlCommand command) {
        return has(command.since());
    }

    /** {@return whether operations are encoded like ioctls; before, the number alone is one} */
    public boolean takesEncoded() {
        return has("6.4");
    }

    /** {@return whether flags that make no sense together are refused} */
    public boolean checksFlags() {
        return has("6.13");
    }

    /** {@return whether {@code io_desc_size} is a field, rather than padding} */
    public boolean hasDescriptorSize() {
        return has("7.3");
    }

    /** {@return whether a device that is being stopped answers a fetch with {@code ENODEV}} */
    public boolean refusesFetchWhileStopping() {
        return has("7.3");
    }

    /**
     * {@return whether the server gets a read or write again for what it has not done of it, where
     * the driver copies nothing back}
     */
    public boolean asksForTheRest() {
        return !has("7.3");
    }

    /** {@return the version, such as {@code 6.12}} */
    @Override
    public String toString() {
        return (version >> 8) + "." + (version & 0xff);
    }
}
