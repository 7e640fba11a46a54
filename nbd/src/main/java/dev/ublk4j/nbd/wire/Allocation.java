package dev.ublk4j.nbd.wire;

/** The one metadata context there is: which parts of an export hold nothing. */
public final class Allocation {
    public static final String NAMESPACE = "base:";
    public static final String NAME = NAMESPACE + "allocation";

    /** The number by which a server of ours refers to it. */
    public static final int CONTEXT_ID = 1;

    /** {@code NBD_STATE_HOLE | NBD_STATE_ZERO}. */
    public static final int HOLE_AND_ZERO = 3;

    private Allocation() {}
}
