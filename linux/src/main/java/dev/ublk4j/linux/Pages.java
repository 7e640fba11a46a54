package dev.ublk4j.linux;

import dev.ublk4j.linux.call.Syscall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** The size of a page of this machine, rounding to it, and giving pages their memory. */
public final class Pages {
    /** Bytes of a page, a power of two. */
    public static final int SIZE = sizeOfAuxiliaryVector();

    /** The power of two. */
    public static final int SHIFT = Integer.numberOfTrailingZeros(SIZE);

    private static final int AT_PAGESZ = 6;
    private static final int MADV_POPULATE_READ = 22;
    private static final int MADV_POPULATE_WRITE = 23;

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

    /** {@return whether an address or a length is a multiple of the page size} */
    public static boolean isAligned(long bytes) {
        return (bytes & (SIZE - 1)) == 0;
    }

    /** {@return the number of pages that a range touches, 0 for an empty one} */
    public static long count(long address, long length) {
        return length == 0 ? 0 : (ceiling(address + length) - floor(address)) >>> SHIFT;
    }

    /**
     * Gives the pages of a range their memory now, of their own where they are writable, else as a
     * read would. That also tells whether they are there. Nothing holds them: the kernel may swap
     * them out and move them.
     *
     * @param address of the first byte; may be wild
     * @param length bytes
     * @param writable whether the memory must be writable
     * @return 0, or {@code -EFAULT} when not all of it is there and as accessible as asked
     */
    public static int populate(long address, long length, boolean writable) {
        long answer = madvise(address, length, MADV_POPULATE_WRITE);
        if (answer < 0 && !writable) {
            // Not writable, or not there at all: a read tells.
            answer = madvise(address, length, MADV_POPULATE_READ);
        }
        return answer < 0 ? Errno.EFAULT.negated() : 0;
    }

    private static long madvise(long address, long length, int advice) {
        long start = floor(address);
        long end = ceiling(address + length);
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.MADVISE, start, end - start, advice);
        } while (answer == Errno.EINTR.negated());
        return answer;
    }
}
