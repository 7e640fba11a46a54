package dev.ublk4j.uapi.wire;

/**
 * The commands to the character device, each an {@link IoCommandLayout} or a {@link BatchIoLayout}
 * in a submission entry.
 */
public final class IoCommand {
    public static final int UBLK_IO_FETCH_REQ = 0x20;
    public static final int UBLK_IO_COMMIT_AND_FETCH_REQ = 0x21;
    public static final int UBLK_IO_NEED_GET_DATA = 0x22;

    /** Direction, size and type: {@code _IOWR('u', .., 16 bytes)}. */
    private static final int READ_WRITE = 3 << 30 | IoCommandLayout.SIZE << 16 | 'u' << 8;

    static {
        assert IoCommandLayout.SIZE == BatchIoLayout.SIZE
                : "both kinds of command share an encoding";
    }

    /** Wait for the first request of a tag. */
    public static final int UBLK_U_IO_FETCH_REQ = READ_WRITE | UBLK_IO_FETCH_REQ;

    /** Complete a tag's request and wait for the next. */
    public static final int UBLK_U_IO_COMMIT_AND_FETCH_REQ =
            READ_WRITE | UBLK_IO_COMMIT_AND_FETCH_REQ;

    /** Name the buffer for a write request and wait for its data. */
    public static final int UBLK_U_IO_NEED_GET_DATA = READ_WRITE | UBLK_IO_NEED_GET_DATA;

    /** Register a request's pages as a fixed buffer of the ring. */
    public static final int UBLK_U_IO_REGISTER_IO_BUF = READ_WRITE | 0x23;

    /** Take a request's pages out of the ring's fixed buffers. */
    public static final int UBLK_U_IO_UNREGISTER_IO_BUF = READ_WRITE | 0x24;

    /** Batch: hand over buffers before the first fetch. Answers 0 or a negative errno. */
    public static final int UBLK_U_IO_PREP_IO_CMDS = READ_WRITE | 0x25;

    /**
     * Batch: complete requests. Answers the bytes of elements that were handled, fewer than asked
     * when one was refused.
     */
    public static final int UBLK_U_IO_COMMIT_IO_CMDS = READ_WRITE | 0x26;

    /** Batch: deliver tags of new requests into provided buffers, again and again. */
    public static final int UBLK_U_IO_FETCH_IO_CMDS = READ_WRITE | 0x27;

    private IoCommand() {}

    /**
     * {@return the number of an operation, encoded or bare, as {@code UBLK_IO_...}; -1 when it is
     * of another driver}
     */
    public static int number(int op) {
        int type = op >>> 8 & 0xff;
        return type == 'u' || type == 0 ? op & 0xff : -1;
    }

    /** {@return the name in the header, for messages} */
    public static String name(int op) {
        return switch (number(op)) {
            case 0x20 -> "UBLK_U_IO_FETCH_REQ";
            case 0x21 -> "UBLK_U_IO_COMMIT_AND_FETCH_REQ";
            case 0x22 -> "UBLK_U_IO_NEED_GET_DATA";
            case 0x23 -> "UBLK_U_IO_REGISTER_IO_BUF";
            case 0x24 -> "UBLK_U_IO_UNREGISTER_IO_BUF";
            case 0x25 -> "UBLK_U_IO_PREP_IO_CMDS";
            case 0x26 -> "UBLK_U_IO_COMMIT_IO_CMDS";
            case 0x27 -> "UBLK_U_IO_FETCH_IO_CMDS";
            default -> "0x" + Integer.toHexString(op);
        };
    }
}
