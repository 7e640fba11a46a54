package dev.ublk4j.sharedmemory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** The size of a page of this machine, and rounding to it. */
public final class Pages {
    /** Bytes of a page, a power of two. */
    public static final int SIZE = sizeOfAuxiliaryVector();

    /** The power of two. */
    public static final int SHIFT = Integer.numberOfTrailingZeros(SIZE);

    private static final int AT_PAGESZ = 6;

    private Pages() {}

    private static int sizeOfAuxiliaryVector() {
        Path vector = Path.of("/proc/self/auxv");
        try {
            ByteBuffer entries =
                    ByteBuffer.wrap(Files.readAllBytes(vector)).order(ByteOrder.nativeOrder());
            while (entries.remaining() >= 2 * Long.BYTES) {
                long type = entries.getLong();
                long value = entries.getLong();
                if (type == AT_PAGESZ) {
                    return Math.toIntExact(value);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException(vector + " does not tell the page size");
    }

    /** {@return the start of the page that an address lies in} */
    public static long floor(long address) {
        return address & -SIZE;
    }

    /** {@return the start of the first page at or after an address} */
    public static long ceiling(long address) {
        return (address + SIZE - 1) & -SIZE;
    }

    /**
     * Gives the pages of a range their memory now, which also tells whether it is there. Nothing
     * holds it: the kernel may swap it out and move it.
     *
     * @param address of the first byte; may be wild
     * @param length bytes
     * @param writable whether the memory must be writable
     * @return 0, or {@code -EFAULT} when not all of it is there and as accessible as asked
     */
    public static int populate(long address, long length, boolean writable) {
        return Memory.populate(address, length, writable);
    }

    /** {@return the number of pages that a range touches, 0 for an empty one} */
    public static long count(long address, long length) {
        return length == 0 ? 0 : (ceiling(address + length) - floor(address)) >>> SHIFT;
    }
}
