package dev.ublk4j.linux;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A lock on a whole file ({@code F_OFD_SETLK}) that lasts until it is released, or else as long as
 * anybody holds the open file: a copy of the descriptor does, and so does an io_uring that has it
 * among its registered files, which the kernel may take down well after its descriptor was closed.
 */
public final class FileLock {
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    /** Bytes of {@code struct flock}; a start and a length of 0 mean the whole file. */
    private static final int BYTES = 32;

    private FileLock() {}

    /**
     * Locks a file against others that lock it, in this process or another.
     *
     * @param exclusive whether nobody else may lock it, rather than nobody exclusively
     * @throws LinuxException {@code EAGAIN} when somebody else has locked it
     */
    public static void take(Fd fd, boolean exclusive) {
        set(fd, exclusive ? F_WRLCK : F_RDLCK);
    }

    /** Releases the lock that {@link #take} took; does nothing where there is none. */
    public static void release(Fd fd) {
        set(fd, F_UNLCK);
    }

    private static void set(Fd fd, short type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment lock = arena.allocate(BYTES, Long.BYTES);
            lock.set(JAVA_SHORT, 0, type);
            LinuxException.check(
                    "fcntl(F_OFD_SETLK)",
                    fd.name(),
                    Syscall.call(Syscall.Call.FCNTL, fd.number(), F_OFD_SETLK, lock.address()));
        }
    }
}
