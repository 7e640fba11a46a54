package dev.ublk4j.nbd.wire;

/** How an option is answered, {@code NBD_REP_...}. */
public final class OptionReply {
    public static final int ACK = 1;
    public static final int SERVER = 2;
    public static final int INFO = 3;
    public static final int META_CONTEXT = 4;

    public static final int ERR_UNSUP = 0x8000_0001;
    public static final int ERR_POLICY = 0x8000_0002;
    public static final int ERR_INVALID = 0x8000_0003;
    public static final int ERR_TLS_REQD = 0x8000_0005;
    public static final int ERR_UNKNOWN = 0x8000_0006;
    public static final int ERR_TOO_BIG = 0x8000_0009;
    public static final int ERR_EXT_HEADER_REQD = 0x8000_000a;

    private OptionReply() {}
}
