package dev.ublk4j.nbd.wire;

/** The pieces of a structured or extended reply, {@code NBD_REPLY_TYPE_...}. */
public final class Chunk {
    /** {@code NBD_REPLY_FLAG_DONE}: the last chunk of a reply. */
    public static final int DONE = 1;

    public static final int NONE = 0;
    public static final int OFFSET_DATA = 1;
    public static final int OFFSET_HOLE = 2;
    public static final int BLOCK_STATUS = 5;
    public static final int BLOCK_STATUS_EXT = 6;
    public static final int ERROR = (1 << 15) + 1;

    /** Every type that has this bit tells of an error. */
    public static final int IS_ERROR = 1 << 15;

    private Chunk() {}
}
