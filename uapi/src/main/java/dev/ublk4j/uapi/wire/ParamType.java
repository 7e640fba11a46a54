package dev.ublk4j.uapi.wire;

/** The parts of {@link ParamsLayout}, in {@link ParamsLayout#types}. */
public final class ParamType {
    /** {@link ParamBasicLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_BASIC = 1 << 0;

    /** {@link ParamDiscardLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_DISCARD = 1 << 1;

    /** {@link ParamDevtLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_DEVT = 1 << 2;

    /** {@link ParamZonedLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_ZONED = 1 << 3;

    /** {@link ParamDmaAlignLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_DMA_ALIGN = 1 << 4;

    /** {@link ParamSegmentLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_SEGMENT = 1 << 5;

    /** {@link ParamIntegrityLayout} is meant. */
    public static final int UBLK_PARAM_TYPE_INTEGRITY = 1 << 6;

    private ParamType() {}
}
