package dev.ublk4j.nbd.wire;

/** What a server tells of an export, {@code NBD_INFO_...}. */
public final class ExportInfo {
    public static final int EXPORT = 0;
    public static final int NAME = 1;
    public static final int DESCRIPTION = 2;
    public static final int BLOCK_SIZE = 3;

    private ExportInfo() {}
}
