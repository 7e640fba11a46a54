package dev.ublk4j.uapi.wire;

/** The parts of {@link Params}, in {@link Params#types}. */
public final class ParamType {
    /** {@link ParamBasic} is meant. */
    public static final int UBLK_PARAM_TYPE_BASIC = 1 << 0;

    /** {@link ParamDiscard} is meant. */
    public static final int UBLK_PARAM_TYPE_DISCARD = 1 << 1;

    /** {@link ParamDevt} is meant. */
    public static final int UBLK_PARAM_TYPE_DEVT = 1 << 2;

    /** {@link ParamZoned} is meant. */
    public static final int UBLK_PARAM_TYPE_ZONED = 1 << 3;

    /** {@link ParamDmaAlign} is meant. */
    public static final int UBLK_PARAM_TYPE_DMA_ALIGN = 1 << 4;

    /** {@link ParamSegment} is meant. */
    public static final int UBLK_PARAM_TYPE_SEGMENT = 1 << 5;

    /** {@link ParamIntegrity} is meant. */
    public static final int UBLK_PARAM_TYPE_INTEGRITY = 1 << 6;

    private ParamType() {}
}
