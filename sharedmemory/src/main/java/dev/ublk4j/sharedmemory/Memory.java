package dev.ublk4j.sharedmemory;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.call.Syscall;

/** Ranges of addresses that may be wild: asks the kernel, never touches them. */
final class Memory {
    private static final int MADV_POPULATE_READ = 22;
    private static final int MADV_POPULATE_WRITE = 23;

    private Memory() {}

    /**
     * Gives pages their memory: of their own where they are writable, else as a read would.
     *
     * @return 0, or {@code -EFAULT} when not all of them can be read, or written where that is a
     *     must
     */
    static int populate(long address, long length, boolean writable) {
        long answer = madvise(address, length, MADV_POPULATE_WRITE);
        if (answer < 0 && !writable) {
            // Not writable, or not there at all: a read tells.
            answer = madvise(address, length, MADV_POPULATE_READ);
        }
        return answer < 0 ? Errno.EFAULT.negated() : 0;
    }

    private static long madvise(long address, long length, int advice) {
        long start = Pages.floor(address);
        long end = Pages.ceiling(address + length);
        long answer;
        do {
            answer = Syscall.call(Syscall.Call.MADVISE, start, end - start, advice);
        } while (answer == Errno.EINTR.negated());
        return answer;
    }

    /** {@return a range of addresses, for messages} */
    static String text(long address, long length) {
        return "%d bytes at 0x%x".formatted(length, address);
    }
}
