package dev.ublk4j.targets;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileLock;
import dev.ublk4j.linux.internal.FileStatus;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A file or block device, or a part of one, that is fit to hold a device: opened, locked, its size
 * and alignment known.
 *
 * <p>It is locked against other servers for as long as it is open, unless that is not wanted.
 *
 * <p>A regular file has blocks of 512 bytes wherever it lies: that is what nearly every image was
 * made for, and whoever finds other blocks does not find its partition table. Where the disk below
 * cannot do direct I/O in such blocks, as one of 4096-byte sectors, the file goes through the page
 * cache.
 */
public final class BackingFile implements AutoCloseable {
    private static final String WRONG_KIND = "is neither a regular file nor a block device";

    private static final System.Logger LOG = System.getLogger(BackingFile.class.getName());

    /** How long a dying server may still have the file. */
    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(3);

    private static final Duration LOCK_PAUSE = Duration.ofMillis(10);

    private static final int SECTOR = 512;

    /** {@code BLKGETSIZE64} of {@code linux/fs.h}. */
    private static final long BLKGETSIZE64 = 0x80081272L;

    /** {@code BLKSSZGET} of {@code linux/fs.h}. */
    private static final long BLKSSZGET = 0x1268L;

    private final Fd fd;
    private final FileOptions options;
    private final boolean direct;
    private final long size;
    private final int blockSize;
    private final int memoryAlignment;
    private volatile boolean ioLeft;

    private BackingFile(
            Fd fd,
            FileOptions options,
            boolean direct,
            long size,
            int blockSize,
            int memoryAlignment) {
        this.fd = fd;
        this.options = options;
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

    /** Tells of an open file what tests may want to be different. */
    @FunctionalInterface
    interface StatusSource {
        FileStatus of(Fd fd);
    }

    /**
     * Opens a whole file, with blocks as it has them; see {@link #open(Path, FileOptions)}.
     *
     * @param readOnly whether it is to be read only
     */
    public static BackingFile open(Path path, Caching caching, boolean readOnly) {
        return open(path, FileOptions.of(caching).withReadOnly(readOnly));
    }

    /**
     * Opens a file.
     *
     * <p>A block device that is to be written is claimed, so that nobody else mounts it, or writes
     * a partition of it, meanwhile. One that is only read is not: others may have it mounted, and
     * what is read changes as they write.
     *
     * @throws LinuxException {@code EBUSY} when it is to be written and is mounted, in use by the
     *     kernel in another way, or claimed by another program: a block device, a partition of it
     *     or the whole that it is a partition of, or a file that a loop device is made of; or what
     *     {@code open} answers
     * @throws UnfitFileException when it cannot hold a device: locked by another server, neither a
     *     regular file nor a block device, empty, no whole number of blocks, or smaller than the
     *     part that is asked for
     */
    public static BackingFile open(Path path, FileOptions options) {
        return open(path, options, FileStatus::of);
    }

    static BackingFile open(Path path, FileOptions options, StatusSource statuses) {
        requireKind(path);
        if (!options.readOnly() && !options.force()) {
            Claims.requireNoLoopDevice(path);
        }
        if (options.caching() == Caching.DIRECT) {
            try {
                BackingFile file =
                        check(path, openFd(path, options, Fd.O_DIRECT), true, options, statuses);
                if (file != null) {
                    return file;
                }
            } catch (LinuxException e) {
                if (e.errno() != Errno.EINVAL) {
                    throw e;
                }
                LOG.log(
                        Level.WARNING,
                        () -> path + " does not support direct I/O; using the page cache");
            }
        }
        return Objects.requireNonNull(
                check(path, openFd(path, options, 0), false, options, statuses));
    }

    /**
     * A pipe would be waited for, and a device may act upon being opened. A folder is refused by
     * the open itself, or once that is done.
     */
    private static void requireKind(Path path) {
        try (Fd fd = Fd.open(path, Fd.O_PATH)) {
            FileStatus status = FileStatus.of(fd);
            if (!status.isRegular() && !status.isBlockDevice() && !status.isDirectory()) {
                throw new UnfitFileException(path, WRONG_KIND);
            }
        }
    }

    /** A server that was killed has its claim until the kernel has taken its io_uring down. */
    private static Fd openFd(Path path, FileOptions options, int flags) {
        boolean claims = !options.readOnly() && !options.force();
        int all =
                flags
                        | (options.readOnly() ? Fd.O_RDONLY : Fd.O_RDWR)
                        | (claims ? Claims.flags(path) : 0);
        Deadline deadline = Deadline.in(LOCK_PATIENCE);
        while (true) {
            try {
                return Fd.open(path, all);
            } catch (LinuxException e) {
                if (e.errno() != Errno.EBUSY || deadline.isOver()) {
                    throw e;
                }
            }
            LockSupport.parkNanos(LOCK_PAUSE.toNanos());
        }
    }

    /** {@return the file, or null when direct I/O on it cannot do what is asked for} */
    private static @Nullable BackingFile check(
            Path path, Fd fd, boolean direct, FileOptions options, StatusSource statuses) {
        try {
            FileStatus status = statuses.of(fd);
            if (!status.isRegular() && !status.isBlockDevice()) {
                throw new UnfitFileException(path, WRONG_KIND);
            }
            int sector = status.isRegular() ? SECTOR : (int) ask(fd, BLKSSZGET, "BLKSSZGET");
            int blockSize = options.blockSize() == 0 ? sector : options.blockSize();
            DirectAlignment alignment =
                    direct ? DirectAlignment.of(fd, status, sector) : DirectAlignment.NONE;
            String hindrance = alignment.hindrance(blockSize, options.offset());
            if (hindrance != null) {
                LOG.log(Level.WARNING, () -> path + " goes through the page cache: " + hindrance);
                fd.close();
                return null;
            }
            long size = sizeOfPart(path, lengthOf(fd, status), options);
            if (size % blockSize != 0) {
                throw new UnfitFileException(
                        path,
                        "has %d bytes, which is not a multiple of its block size, %d"
                                .formatted(size, blockSize));
            }
            if (options.locked()) {
                lock(path, fd, options);
            }
            return new BackingFile(fd, options, direct, size, blockSize, alignment.memory());
        } catch (Throwable e) {
            fd.close();
            throw e;
        }
    }

    private static long lengthOf(Fd fd, FileStatus status) {
        return status.isRegular() ? status.size() : ask(fd, BLKGETSIZE64, "BLKGETSIZE64");
    }

    private static long sizeOfPart(Path path, long length, FileOptions options) {
        if (length == 0) {
            throw new UnfitFileException(path, "is empty");
        }
        if (options.offset() >= length) {
            throw new UnfitFileException(
                    path,
                    "has %d bytes, but the part begins at %d".formatted(length, options.offset()));
        }
        long rest = length - options.offset();
        if (options.size() > rest) {
            throw new UnfitFileException(
                    path,
                    "has %d bytes from %d on, but the part has %d"
                            .formatted(rest, options.offset(), options.size()));
        }
        return options.size() == 0 ? rest : options.size();
    }

    /** A server that was killed has its lock until the kernel has taken its io_uring down. */
    private static void lock(Path path, Fd fd, FileOptions options) {
        Deadline deadline = Deadline.in(LOCK_PATIENCE);
        if (!deadline.poll(LOCK_PAUSE, () -> tryLock(fd, options))) {
            throw new UnfitFileException(path, "is in use by another server");
        }
    }

    private static boolean tryLock(Fd fd, FileOptions options) {
        try {
            FileLock.take(fd, !options.readOnly(), options.offset(), options.size());
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

    /** {@return where in the file the device begins, in bytes} */
    public long start() {
        return options.offset();
    }

    /**
     * {@return whether the file has no longer a byte of the device, and all behind it} A regular
     * file may have been cut off.
     *
     * @param at within the device
     */
    long missingFrom(long at) {
        FileStatus status = FileStatus.of(fd);
        return status.isRegular() ? Math.max(at, status.size() - options.offset()) : Long.MAX_VALUE;
    }

    /**
     * Sees to it that there are so many bytes: makes a regular file longer. Never makes one
     * shorter.
     *
     * @throws IllegalArgumentException when there are not, and it may not or cannot be made longer,
     *     as a part of a certain size
     * @throws LinuxException {@code ENOSPC}, {@code EFBIG} and others, when the file system refuses
     */
    public void provide(long bytes) {
        FileStatus status = FileStatus.of(fd);
        long has = lengthOf(fd, status) - options.offset();
        boolean bounded = options.size() != 0;
        if (bounded) {
            has = Math.min(has, options.size());
        }
        if (has >= bytes) {
            return;
        }
        if (bounded || options.readOnly() || !status.isRegular()) {
            throw new IllegalArgumentException(
                    "%s has %d bytes, and cannot grow".formatted(fd.name(), has));
        }
        fd.truncate(Math.addExact(options.offset(), bytes));
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
        return options.readOnly();
    }

    /** {@return whether I/O goes past the page cache} */
    public boolean isDirect() {
        return direct;
    }

    /**
     * Notes that the kernel may go on to write the file after it is closed, for a queue whose I/O
     * did not end. It then stays locked, and claimed, until the kernel lets go of it.
     */
    void leaveToIo() {
        ioLeft = true;
    }

    /** Unlocks and closes the file; a second call does nothing. */
    @Override
    public void close() {
        if (fd.isClosed()) {
            return;
        }
        if (!ioLeft) {
            // Queues' rings may keep the file open for a while yet, and would keep the lock with
            // it.
            FileLock.release(fd, options.offset(), options.size());
        }
        fd.close();
    }
}
