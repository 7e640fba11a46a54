package dev.ublk4j.linux.socket;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.Syscall;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A lock on a folder ({@code flock(2)}), which keeps out others that take the place of a file
 * there. It leaves nothing behind, and ends with the process.
 */
final class FolderLock implements AutoCloseable {
    /** How long others are waited for: each holds the lock for a few system calls. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private static final Duration PAUSE = Duration.ofNanos(500_000);

    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;

    private final @Nullable Fd folder;

    private FolderLock(@Nullable Fd folder) {
        this.folder = folder;
    }

    /**
     * Locks a folder, where that is possible in time.
     *
     * <p>Anybody who may read a folder can lock it for ever, and some file systems know no locks.
     * So going without a lock must do no worse than to let two servers that start at the same
     * moment disturb each other.
     */
    static FolderLock take(Path path) {
        Fd folder = openOrNull(path);
        if (folder != null) {
            boolean _ = Deadline.in(PATIENCE).poll(PAUSE, () -> !isHeldByAnother(folder));
        }
        return new FolderLock(folder);
    }

    private static @Nullable Fd openOrNull(Path path) {
        try {
            return Fd.open(path, Fd.O_RDONLY | Fd.O_DIRECTORY);
        } catch (LinuxException e) {
            // One that may be written to but not listed.
            if (e.errno() == Errno.EACCES) {
                return null;
            }
            throw e;
        }
    }

    private static boolean isHeldByAnother(Fd folder) {
        long answer = Syscall.call(Syscall.Call.FLOCK, folder.number(), LOCK_EX | LOCK_NB, 0);
        return answer == Errno.EAGAIN.negated() || answer == Errno.EINTR.negated();
    }

    @Override
    public void close() {
        if (folder != null) {
            folder.close();
        }
    }
}
