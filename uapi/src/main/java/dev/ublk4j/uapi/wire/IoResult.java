package dev.ublk4j.uapi.wire;

/** What a fetch completes with. */
public final class IoResult {
    /** There is a request. */
    public static final int UBLK_IO_RES_OK = 0;

    /** There is a write request whose buffer has to be named first. */
    public static final int UBLK_IO_RES_NEED_GET_DATA = 1;

    /** The device goes away: fetch no more ({@code -ENODEV}). */
    public static final int UBLK_IO_RES_ABORT = -19;

    private IoResult() {}
}
