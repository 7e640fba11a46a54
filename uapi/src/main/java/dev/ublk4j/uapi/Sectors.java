package dev.ublk4j.uapi;

/** The unit in which a driver counts, whatever the block size of the device. */
public final class Sectors {
    /** A sector has {@code 1 << SHIFT} bytes. */
    public static final int SHIFT = 9;

    /** Bytes of a sector. */
    public static final int SIZE = 1 << SHIFT;

    private Sectors() {}

    /** {@return the bytes of a number of sectors} */
    public static long toBytes(long sectors) {
        return sectors << SHIFT;
    }

    /** {@return the whole sectors in a number of bytes, or the sector that a byte lies in} */
    public static long ofBytes(long bytes) {
        return bytes >> SHIFT;
    }

    /** {@return whether a byte is the first of a sector, or a length is whole sectors} */
    public static boolean isAligned(long bytes) {
        return (bytes & (SIZE - 1)) == 0;
    }
}
