package dev.ublk4j.uapi;

/** The operations of requests, in the first byte of a descriptor. */
public final class IoOp {
    /** Read sectors. */
    public static final int UBLK_IO_OP_READ = 0;

    /** Write sectors. */
    public static final int UBLK_IO_OP_WRITE = 1;

    /** Make completed writes durable. */
    public static final int UBLK_IO_OP_FLUSH = 2;

    /** The sectors are no longer needed. */
    public static final int UBLK_IO_OP_DISCARD = 3;

    /** Never sent by a current driver. */
    public static final int UBLK_IO_OP_WRITE_SAME = 4;

    /** Make the sectors zero. */
    public static final int UBLK_IO_OP_WRITE_ZEROES = 5;

    /** Open a zone. */
    public static final int UBLK_IO_OP_ZONE_OPEN = 10;

    /** Close a zone. */
    public static final int UBLK_IO_OP_ZONE_CLOSE = 11;

    /** Make a zone full. */
    public static final int UBLK_IO_OP_ZONE_FINISH = 12;

    /** Write at the write pointer of a zone. */
    public static final int UBLK_IO_OP_ZONE_APPEND = 13;

    /** Empty all zones. */
    public static final int UBLK_IO_OP_ZONE_RESET_ALL = 14;

    /** Empty a zone. */
    public static final int UBLK_IO_OP_ZONE_RESET = 15;

    /** Answer zones, the first being that of the start sector. */
    public static final int UBLK_IO_OP_REPORT_ZONES = 18;

    private IoOp() {}

    /** {@return the name of an operation in lower case, such as {@code read}, or its number} */
    public static String name(int value) {
        return switch (value) {
            case UBLK_IO_OP_READ -> "read";
            case UBLK_IO_OP_WRITE -> "write";
            case UBLK_IO_OP_FLUSH -> "flush";
            case UBLK_IO_OP_DISCARD -> "discard";
            case UBLK_IO_OP_WRITE_SAME -> "write-same";
            case UBLK_IO_OP_WRITE_ZEROES -> "write-zeroes";
            case UBLK_IO_OP_ZONE_OPEN -> "zone-open";
            case UBLK_IO_OP_ZONE_CLOSE -> "zone-close";
            case UBLK_IO_OP_ZONE_FINISH -> "zone-finish";
            case UBLK_IO_OP_ZONE_APPEND -> "zone-append";
            case UBLK_IO_OP_ZONE_RESET_ALL -> "zone-reset-all";
            case UBLK_IO_OP_ZONE_RESET -> "zone-reset";
            case UBLK_IO_OP_REPORT_ZONES -> "report-zones";
            default -> Integer.toString(value);
        };
    }
}
