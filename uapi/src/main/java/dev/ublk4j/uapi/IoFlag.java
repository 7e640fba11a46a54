package dev.ublk4j.uapi;

/** The flags of requests, in the flags of a descriptor. */
public final class IoFlag {
    /** Do not retry errors of the device. */
    public static final int UBLK_IO_F_FAILFAST_DEV = 1 << 8;

    /** Do not retry errors of the transport. */
    public static final int UBLK_IO_F_FAILFAST_TRANSPORT = 1 << 9;

    /** Do not retry errors of the driver. */
    public static final int UBLK_IO_F_FAILFAST_DRIVER = 1 << 10;

    /** Metadata of a file system. */
    public static final int UBLK_IO_F_META = 1 << 11;

    /** Durable before it completes. */
    public static final int UBLK_IO_F_FUA = 1 << 13;

    /** Write zeroes without giving space back. */
    public static final int UBLK_IO_F_NOUNMAP = 1 << 15;

    /** Swap I/O. */
    public static final int UBLK_IO_F_SWAP = 1 << 16;

    /**
     * The buffer could not be registered by itself: the server has to, see {@code
     * UBLK_AUTO_BUF_REG_FALLBACK}.
     */
    public static final int UBLK_IO_F_NEED_REG_BUF = 1 << 17;

    /** There is integrity metadata. */
    public static final int UBLK_IO_F_INTEGRITY = 1 << 18;

    /** The data lies in a registered shared buffer: the address names the buffer and an offset. */
    public static final int UBLK_IO_F_SHMEM_ZC = 1 << 19;

    private IoFlag() {}
}
