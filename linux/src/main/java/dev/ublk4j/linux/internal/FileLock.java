package dev.ublk4j.linux.internal;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A lock on a file or a range of it ({@code F_OFD_SETLK}) that lasts until it is released, or else
 * as long as anybody holds the open file: a copy of the descriptor does, and so does an io_uring
 * that has it among its registered files, which the kernel may take down well after its descriptor
 * was closed.
 */
public final class FileLock {
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    /** Bytes of {@code struct flock}. */
    private static final int BYTES = 32;

    private static final int START = 8;
    private static final int LENGTH = 16;

    private FileLock() {}

    /**
     * Locks a range of a file against others that lock bytes of it, in this process or another.
     *
     * @param exclusive whether nobody else may lock it, rather than nobody exclusively
     * @param start first byte
     * @param length bytes; 0 for all to the end of the file, wherever that comes to be
     * @throws LinuxException {@code EAGAIN} when somebody else has locked it
     */
    public static void take(Fd fd, boolean exclusive, long start, long length) {
        set(fd, exclusive ? F_WRLCK : F_RDLCK, start, length);
    }

    /** Releases the lock of a range that {@link #take} took; does nothing where there is none. */
    public static void release(Fd fd, long start, long length) {
        set(fd, F_UNLCK, start, length);
    }

    private static void set(Fd fd, short type, long start, long length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment lock = arena.allocate(BYTES, Long.BYTES);
            lock.set(JAVA_SHORT, 0, type);
            lock.set(JAVA_LONG, START, start);
            lock.set(JAVA_LONG, LENGTH, length);
            LinuxException.check(
                    "fcntl(F_OFD_SETLK)",
                    fd.name(),
                    Syscall.call(Syscall.Call.FCNTL, fd.number(), F_OFD_SETLK, lock.address()));
        }
    }
}
