package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.FileLock;
import dev.ublk4j.linux.FileStatus;
import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A file or block device that is fit to hold a device: opened, locked, its size and alignment
 * known.
 *
 * <p>It is locked against other servers for as long as it is open.
 */
public final class BackingFile implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(BackingFile.class.getName());

    /** How long a dying server may still have the file. */
    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(3);

    private static final long LOCK_PAUSE_NANOS = 10_000_000;

    private static final int SECTOR = 512;
    private static final int PAGE = 4096;

    /** {@code BLKGETSIZE64} of {@code linux/fs.h}. */
    private static final long BLKGETSIZE64 = 0x80081272L;

    /** {@code BLKSSZGET} of {@code linux/fs.h}. */
    private static final long BLKSSZGET = 0x1268L;

    private final Fd fd;
    private final boolean readOnly;
    private final boolean direct;
    private final long size;
    private final int blockSize;
    private final int memoryAlignment;

    private BackingFile(
            Fd fd,
            boolean readOnly,
            boolean direct,
            long size,
            int blockSize,
            int memoryAlignment) {
        this.fd = fd;
        this.readOnly = readOnly;
        this.direct = direct;
        this.size = size;
        this.blockSize = blockSize;
        this.memoryAlignment = memoryAlignment;
    }

    /** How the file is to be opened. */
    public enum Caching {
        /** Past the page cache where the file system can do that, through it elsewhere. */
        DIRECT,
        /** Through the page cache. */
        BUFFERED
    }

    /**
     * Opens a file.
     *
     * @param readOnly whether it is to be read only
     * @throws LinuxException {@code EBUSY} when another server or a mount uses it, or what {@code
     *     open} answers
     * @throws UnfitFileException when it cannot hold a device: neither a regular file nor a block
     *     device, empty, or no whole number of blocks
     */
    public static BackingFile open(Path path, Caching caching, boolean readOnly) {
        if (caching == Caching.DIRECT) {
            try {
                BackingFile file = check(path, openFd(path, readOnly, Fd.O_DIRECT), true, readOnly);
                if (file.blockSize <= PAGE && file.memoryAlignment <= PAGE) {
                    return file;
                }
                file.close();
            } catch (LinuxException e) {
                if (e.errno() != Errno.EINVAL) {
                    throw e;
                }
            }
            LOG.log(
                    Level.WARNING,
                    () -> path + " cannot be read past the page cache; going through it");
        }
        return check(path, openFd(path, readOnly, 0), false, readOnly);
    }

    private static Fd openFd(Path path, boolean readOnly, int flags) {
        return Fd.open(path, (readOnly ? Fd.O_RDONLY : Fd.O_RDWR) | flags);
    }

    private static BackingFile check(Path path, Fd fd, boolean direct, boolean readOnly) {
        try {
            FileStatus status = FileStatus.of(fd);
            if (!status.isRegular() && !status.isBlockDevice()) {
                throw new UnfitFileException(path, "is neither a regular file nor a block device");
            }
            lock(path, fd, readOnly);
            long size = status.isRegular() ? status.size() : ask(fd, BLKGETSIZE64, "BLKGETSIZE64");
            int sector = status.isRegular() ? SECTOR : (int) ask(fd, BLKSSZGET, "BLKSSZGET");
            int blockSize = sector;
            int memoryAlignment = direct ? sector : 1;
            if (direct && status.directAlignmentKnown()) {
                // Zero says that direct I/O is not possible at all: larger than any block that is.
                blockSize = orTooLarge(Math.max(sector, status.directOffsetAlignment()), status);
                memoryAlignment = orTooLarge(status.directMemoryAlignment(), status);
            }
            if (size == 0) {
                throw new UnfitFileException(path, "is empty");
            }
            if (blockSize <= PAGE && size % blockSize != 0) {
                throw new UnfitFileException(
                        path,
                        "has %d bytes, which is no multiple of its block size, %d"
                                .formatted(size, blockSize));
            }
            return new BackingFile(fd, readOnly, direct, size, blockSize, memoryAlignment);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static int orTooLarge(int alignment, FileStatus status) {
        return status.directMemoryAlignment() == 0 ? Integer.MAX_VALUE : alignment;
    }

    /** A server that was killed has its lock until the kernel has taken its io_uring down. */
    private static void lock(Path path, Fd fd, boolean readOnly) {
        long deadline = System.nanoTime() + LOCK_PATIENCE.toNanos();
        while (!tryLock(fd, readOnly)) {
            if (System.nanoTime() > deadline) {
                throw new UnfitFileException(path, "is in use by another server");
            }
            LockSupport.parkNanos(LOCK_PAUSE_NANOS);
        }
    }

    private static boolean tryLock(Fd fd, boolean readOnly) {
        try {
            FileLock.take(fd, !readOnly);
            return true;
        } catch (LinuxException e) {
            if (e.errno() == Errno.EAGAIN) {
                return false;
            }
            throw e;
        }
    }

    private static long ask(Fd fd, long request, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(ValueLayout.JAVA_LONG);
            LinuxException.check(name, fd.name(), fd.ioctl(request, answer));
            return answer.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** {@return the open descriptor} */
    public Fd fd() {
        return fd;
    }

    /** {@return its size in bytes} */
    public long size() {
        return size;
    }

    /**
     * Sees to it that there are so many bytes: makes a regular file longer. Never makes one
     * shorter.
     *
     * @throws IllegalArgumentException when there are not, and it may not or cannot be made longer
     * @throws LinuxException {@code ENOSPC}, {@code EFBIG} and others, when the file system refuses
     */
    public void provide(long bytes) {
        FileStatus status = FileStatus.of(fd);
        long has = status.isRegular() ? status.size() : ask(fd, BLKGETSIZE64, "BLKGETSIZE64");
        if (has >= bytes) {
            return;
        }
        if (readOnly || !status.isRegular()) {
            throw new IllegalArgumentException(
                    "%s has %d bytes, and cannot be made longer here".formatted(fd.name(), has));
        }
        fd.truncate(bytes);
    }

    /** {@return what offsets and lengths must be multiples of} */
    public int blockSize() {
        return blockSize;
    }

    /** {@return what memory must be aligned to} */
    public int memoryAlignment() {
        return memoryAlignment;
    }

    /** {@return whether it is only read} */
    public boolean isReadOnly() {
        return readOnly;
    }

    /** {@return whether I/O goes past the page cache} */
    public boolean isDirect() {
        return direct;
    }

    /** Unlocks and closes the file; a second call does nothing. */
    @Override
    public void close() {
        if (fd.isClosed()) {
            return;
        }
        // Queues' rings may keep the file open for a while yet, and would keep the lock with it.
        FileLock.release(fd);
        fd.close();
    }
}
