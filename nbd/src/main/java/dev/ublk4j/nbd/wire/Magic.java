package dev.ublk4j.nbd.wire;

/** What messages begin with, and the flags of the first two. */
public final class Magic {
    /** {@code NBDMAGIC}, the first eight bytes of a server. */
    public static final long SERVER = 0x4e42_444d_4147_4943L;

    /** {@code IHAVEOPT}, before each option and after {@link #SERVER}. */
    public static final long OPTION = 0x4948_4156_454f_5054L;

    /** Before each answer to an option. */
    public static final long OPTION_REPLY = 0x0003_e889_0455_65a9L;

    public static final int REQUEST = 0x2560_9513;
    public static final int EXTENDED_REQUEST = 0x21e4_1c71;
    public static final int SIMPLE_REPLY = 0x6744_6698;
    public static final int STRUCTURED_REPLY = 0x668e_33ef;
    public static final int EXTENDED_REPLY = 0x6e8a_278c;

    /** {@code NBD_FLAG_FIXED_NEWSTYLE} and {@code NBD_FLAG_C_FIXED_NEWSTYLE}. */
    public static final int FIXED_NEWSTYLE = 1;

    /** {@code NBD_FLAG_NO_ZEROES} and {@code NBD_FLAG_C_NO_ZEROES}. */
    public static final int NO_ZEROES = 2;

    private Magic() {}
}
