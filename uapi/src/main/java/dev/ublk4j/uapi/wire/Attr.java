package dev.ublk4j.uapi.wire;

import dev.ublk4j.uapi.IoFlag;

/** The attributes of a device, in {@link ParamBasicLayout#attrs}. */
public final class Attr {
    /** No writes. */
    public static final int UBLK_ATTR_READ_ONLY = 1;

    /** Seeks cost time. */
    public static final int UBLK_ATTR_ROTATIONAL = 1 << 1;

    /** A completed write is durable only after a flush. */
    public static final int UBLK_ATTR_VOLATILE_CACHE = 1 << 2;

    /** Single writes can be durable, {@link IoFlag#UBLK_IO_F_FUA}. */
    public static final int UBLK_ATTR_FUA = 1 << 3;

    private Attr() {}
}
