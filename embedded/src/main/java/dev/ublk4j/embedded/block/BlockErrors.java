package dev.ublk4j.embedded.block;

import dev.ublk4j.linux.Errno;

/** What becomes of a server's errno on its way through the block layer. */
public final class BlockErrors {
    /** The numbers that have a {@code blk_status_t}; every other one becomes {@code EIO}. */
    private static final Errno[] KEPT = {
        Errno.EOPNOTSUPP, // BLK_STS_NOTSUPP
        Errno.ETIMEDOUT, // BLK_STS_TIMEOUT
        Errno.ENOSPC, // BLK_STS_NOSPC
        Errno.ENOLINK, // BLK_STS_TRANSPORT
        Errno.EREMOTEIO, // BLK_STS_TARGET
        Errno.EBADE, // BLK_STS_RESV_CONFLICT
        Errno.ENODATA, // BLK_STS_MEDIUM
        Errno.EILSEQ, // BLK_STS_PROTECTION
        Errno.ENOMEM, // BLK_STS_RESOURCE
        Errno.EBUSY, // BLK_STS_DEV_RESOURCE
        Errno.EAGAIN, // BLK_STS_AGAIN
        Errno.ENODEV, // BLK_STS_OFFLINE
        Errno.EREMCHG, // BLK_STS_DM_REQUEUE
        Errno.ETOOMANYREFS, // BLK_STS_ZONE_OPEN_RESOURCE
        Errno.EOVERFLOW, // BLK_STS_ZONE_ACTIVE_RESOURCE
        Errno.ETIME, // BLK_STS_DURATION_LIMIT
        Errno.EINVAL, // BLK_STS_INVAL
        Errno.EIO,
    };

    private static final int EIO = Errno.EIO.negated();
    private static final boolean[] IS_KEPT = new boolean[128];

    static {
        for (Errno errno : KEPT) {
            IS_KEPT[errno.number()] = true;
        }
    }

    private BlockErrors() {}

    /** {@return what a client sees of a server's result, both negative} */
    public static int ofServer(int result) {
        assert result < 0 : result;
        int number = -result;
        return number > 0 && number < IS_KEPT.length && IS_KEPT[number] ? result : EIO;
    }
}
