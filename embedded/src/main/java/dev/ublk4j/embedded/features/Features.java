package dev.ublk4j.embedded.features;

import dev.ublk4j.uapi.Feature;

/** What this driver can do, and what of it every device has whether asked for or not. */
public final class Features {
    /** {@code UBLK_F_ALL}, of this driver. */
    public static final long SUPPORTED =
            Feature.UBLK_F_URING_CMD_COMP_IN_TASK
                    | Feature.UBLK_F_NEED_GET_DATA
                    | Feature.UBLK_F_USER_RECOVERY
                    | Feature.UBLK_F_USER_RECOVERY_REISSUE
                    | Feature.UBLK_F_UNPRIVILEGED_DEV
                    | Feature.UBLK_F_CMD_IOCTL_ENCODE
                    | Feature.UBLK_F_USER_COPY
                    | Feature.UBLK_F_ZONED
                    | Feature.UBLK_F_USER_RECOVERY_FAIL_IO
                    | Feature.UBLK_F_UPDATE_SIZE
                    | Feature.UBLK_F_QUIESCE
                    | Feature.UBLK_F_PER_IO_DAEMON
                    | Feature.UBLK_F_BATCH_IO
                    | Feature.UBLK_F_INTEGRITY
                    | Feature.UBLK_F_SAFE_STOP_DEV
                    | Feature.UBLK_F_NO_AUTO_PART_SCAN
                    | Feature.UBLK_F_SHMEM_ZC
                    | Feature.UBLK_F_IO_DESC_SIZE;

    /** What every device has. */
    public static final long ALWAYS =
            Feature.UBLK_F_CMD_IOCTL_ENCODE
                    | Feature.UBLK_F_URING_CMD_COMP_IN_TASK
                    | Feature.UBLK_F_PER_IO_DAEMON
                    | Feature.UBLK_F_SAFE_STOP_DEV;

    /** The features of recovery, of which only some combinations make sense. */
    public static final long RECOVERY =
            Feature.UBLK_F_USER_RECOVERY
                    | Feature.UBLK_F_USER_RECOVERY_REISSUE
                    | Feature.UBLK_F_USER_RECOVERY_FAIL_IO;

    private Features() {}
}
