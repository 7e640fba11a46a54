package dev.ublk4j.uring;

/** Modes of {@code fallocate(2)} ({@code linux/falloc.h}), for {@link Ring#fallocate}. */
public final class Fallocate {
    /** Leaves the length of the file alone. */
    public static final int FALLOC_FL_KEEP_SIZE = 1;

    /** Frees the range, which reads as zeros; goes with {@link #FALLOC_FL_KEEP_SIZE}. */
    public static final int FALLOC_FL_PUNCH_HOLE = 2;

    /** Makes the range read as zeros and keeps it allocated where the file system can. */
    public static final int FALLOC_FL_ZERO_RANGE = 0x10;

    private Fallocate() {}
}
