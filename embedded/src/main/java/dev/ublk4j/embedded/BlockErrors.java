package dev.ublk4j.embedded;

/** What becomes of a server's errno on its way through the block layer. */
final class BlockErrors {
    private static final int EIO = 5;

    /** The numbers that have a {@code blk_status_t}; every other one becomes {@code EIO}. */
    private static final int[] KEPT = {
        95, // EOPNOTSUPP, BLK_STS_NOTSUPP
        110, // ETIMEDOUT, BLK_STS_TIMEOUT
        28, // ENOSPC, BLK_STS_NOSPC
        67, // ENOLINK, BLK_STS_TRANSPORT
        121, // EREMOTEIO, BLK_STS_TARGET
        52, // EBADE, BLK_STS_RESV_CONFLICT
        61, // ENODATA, BLK_STS_MEDIUM
        84, // EILSEQ, BLK_STS_PROTECTION
        12, // ENOMEM, BLK_STS_RESOURCE
        16, // EBUSY, BLK_STS_DEV_RESOURCE
        11, // EAGAIN, BLK_STS_AGAIN
        19, // ENODEV, BLK_STS_OFFLINE
        78, // EREMCHG, BLK_STS_DM_REQUEUE
        109, // ETOOMANYREFS, BLK_STS_ZONE_OPEN_RESOURCE
        75, // EOVERFLOW, BLK_STS_ZONE_ACTIVE_RESOURCE
        62, // ETIME, BLK_STS_DURATION_LIMIT
        22, // EINVAL, BLK_STS_INVAL
        EIO,
    };

    private static final boolean[] IS_KEPT = new boolean[128];

    static {
        for (int number : KEPT) {
            IS_KEPT[number] = true;
        }
    }

    private BlockErrors() {}

    /** {@return what a client sees of a server's result, both negative} */
    static int ofServer(int result) {
        assert result < 0 : result;
        int number = -result;
        return number > 0 && number < IS_KEPT.length && IS_KEPT[number] ? result : -EIO;
    }
}
