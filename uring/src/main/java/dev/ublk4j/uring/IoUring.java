package dev.ublk4j.uring;

/** The numbers of {@code linux/io_uring.h} that ublk4j uses, under the names they have there. */
public final class IoUring {
    // Flags of a submission entry, for Ring.setSqeFlags.

    /** The descriptor is a slot of the registered files. */
    public static final int IOSQE_FIXED_FILE = 1;

    /** Starts when everything before it has completed. */
    public static final int IOSQE_IO_DRAIN = 1 << 1;

    /** The next entry starts when this one has succeeded. */
    public static final int IOSQE_IO_LINK = 1 << 2;

    /** The next entry starts when this one has ended, well or not. */
    public static final int IOSQE_IO_HARDLINK = 1 << 3;

    /** Goes to a worker thread at once. */
    public static final int IOSQE_ASYNC = 1 << 4;

    /** The kernel takes a buffer from a {@link BufferRing}. */
    public static final int IOSQE_BUFFER_SELECT = 1 << 5;

    /**
     * Attributes of a read or write: its integrity metadata, a {@code struct io_uring_attr_pi}
     * (Linux 6.14).
     */
    public static final int IORING_RW_ATTR_FLAG_PI = 1;

    /** No completion where it succeeds. */
    public static final int IOSQE_CQE_SKIP_SUCCESS = 1 << 6;

    // Flags of a completion.

    /** The upper 16 bits of the flags are the id of the buffer taken. */
    public static final int IORING_CQE_F_BUFFER = 1;

    /** The same operation will complete again. */
    public static final int IORING_CQE_F_MORE = 1 << 1;

    /** The buffer taken is not used up and will be used again. */
    public static final int IORING_CQE_F_BUF_MORE = 1 << 4;

    /** Where the buffer id starts in the flags. */
    public static final int IORING_CQE_BUFFER_SHIFT = 16;

    // Flags of a uring command, for Ring.setOperationFlags.

    /** The command uses the registered buffer of the entry's buffer index. */
    public static final int IORING_URING_CMD_FIXED = 1;

    /** The command completes many times, each time with a buffer of a {@link BufferRing}. */
    public static final int IORING_URING_CMD_MULTISHOT = 1 << 1;

    // Flags of a ring, as in Ring.setupFlags.

    /** The size of the completion ring was asked for. */
    public static final int IORING_SETUP_CQSIZE = 1 << 3;

    /** A refused entry does not end a submission. */
    public static final int IORING_SETUP_SUBMIT_ALL = 1 << 7;

    /** Completions do not interrupt the thread. */
    public static final int IORING_SETUP_COOP_TASKRUN = 1 << 8;

    /** The ring says when a call would produce completions. */
    public static final int IORING_SETUP_TASKRUN_FLAG = 1 << 9;

    /** Submission entries of 128 bytes. */
    public static final int IORING_SETUP_SQE128 = 1 << 10;

    /** One thread submits. */
    public static final int IORING_SETUP_SINGLE_ISSUER = 1 << 12;

    /** Completions are produced while the thread waits. */
    public static final int IORING_SETUP_DEFER_TASKRUN = 1 << 13;

    /** No array of indexes between the submission ring and its entries. */
    public static final int IORING_SETUP_NO_SQARRAY = 1 << 16;

    // Features, as in RingFeatures.features.

    /** Both rings are one mapping. */
    public static final int IORING_FEAT_SINGLE_MMAP = 1;

    /** A full completion ring loses nothing. */
    public static final int IORING_FEAT_NODROP = 1 << 1;

    /** What an entry points at is read during the submission. */
    public static final int IORING_FEAT_SUBMIT_STABLE = 1 << 2;

    /** A wait takes a time-out. */
    public static final int IORING_FEAT_EXT_ARG = 1 << 8;

    /** Registered buffers can be updated and tagged. */
    public static final int IORING_FEAT_RSRC_TAGS = 1 << 10;

    // What follows is between this package and the kernel.

    static final long IORING_OFF_SQ_RING = 0;
    static final long IORING_OFF_SQES = 0x10000000L;

    static final int IORING_SQ_CQ_OVERFLOW = 1 << 1;
    static final int IORING_SQ_TASKRUN = 1 << 2;

    static final int IORING_ENTER_GETEVENTS = 1;

    /** {@code MSG_WAITALL} of a socket: as many bytes as asked for, unless it ends before. */
    public static final int MSG_WAITALL = 0x100;

    static final int IORING_ENTER_EXT_ARG = 1 << 3;
    static final int IORING_ENTER_REGISTERED_RING = 1 << 4;

    static final int IORING_FSYNC_DATASYNC = 1;
    static final int IORING_POLL_ADD_MULTI = 1;
    static final int IORING_ASYNC_CANCEL_ALL = 1;
    static final int IORING_ASYNC_CANCEL_FD = 1 << 1;
    static final int IORING_ASYNC_CANCEL_ANY = 1 << 2;
    static final int IORING_MSG_DATA = 0;

    static final int IORING_UNREGISTER_BUFFERS = 1;
    static final int IORING_REGISTER_FILES = 2;
    static final int IORING_UNREGISTER_FILES = 3;
    static final int IORING_REGISTER_EVENTFD = 4;
    static final int IORING_UNREGISTER_EVENTFD = 5;
    static final int IORING_REGISTER_FILES_UPDATE = 6;
    static final int IORING_REGISTER_PROBE = 8;
    static final int IORING_REGISTER_FILES2 = 13;
    static final int IORING_REGISTER_BUFFERS2 = 15;
    static final int IORING_REGISTER_BUFFERS_UPDATE = 16;
    static final int IORING_REGISTER_RING_FDS = 20;
    static final int IORING_UNREGISTER_RING_FDS = 21;
    static final int IORING_REGISTER_PBUF_RING = 22;
    static final int IORING_UNREGISTER_PBUF_RING = 23;
    static final int IORING_REGISTER_SYNC_CANCEL = 24;

    static final int IORING_RSRC_REGISTER_SPARSE = 1;
    static final int IO_URING_OP_SUPPORTED = 1;
    static final int IOU_PBUF_RING_INC = 2;

    private IoUring() {}
}
