package dev.ublk4j.sharedmemory;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.call.Syscall;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * A file whose pages several processes map: a memfd, or a file of hugetlbfs or tmpfs.
 *
 * <p>Owns the descriptor. Closing it leaves mappings alone; the memory is gone when the last
 * descriptor, mapping and pin are.
 *
 * <p>Memory of another process can be made smaller by it at any time, and touching a page that is
 * gone ends the virtual machine. Before mapping what was {@linkplain #adopt adopted}, insist on
 * {@link #requireSealed requireSealed(Seal.SHRINK)}. A file of a file system cannot be sealed;
 * there the other side must be trusted.
 */
public final class SharedMemory implements AutoCloseable {
    /** What the file is. */
    public enum Kind {
        /** A file of memory without a name, of pages of either size. */
        MEMFD,
        /** A file of hugetlbfs: huge pages. */
        HUGETLBFS,
        /** A file of tmpfs. */
        TMPFS,
        /** Any other file: its pages have a disk behind them and can as a rule not be pinned. */
        OTHER
    }

    private static final int MFD_CLOEXEC = 0x1;
    private static final int MFD_ALLOW_SEALING = 0x2;
    private static final int MFD_HUGETLB = 0x4;
    private static final int MFD_NOEXEC_SEAL = 0x8;
    private static final int MFD_HUGE_SHIFT = 26;

    private static final int F_GETFL = 3;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int O_ACCMODE = 3;

    private final Fd fd;
    private final FileStatus status;

    private SharedMemory(Fd fd) {
        this.fd = fd;
        this.status = FileStatus.of(fd);
    }

    /**
     * Creates a memfd of ordinary pages, which can be sealed and not executed.
     *
     * @param name shown in {@code /proc}, for people only
     * @param length bytes
     * @throws LinuxException when the kernel refuses
     */
    public static SharedMemory create(String name, long length) {
        return create(name, length, 0);
    }

    /**
     * Creates a memfd of huge pages, which can be sealed and not executed.
     *
     * <p>Pages are taken out of the pool when they are first touched or {@linkplain #reserve
     * reserved}; mapping more than the pool has fails.
     *
     * @param hugePageSize bytes of a huge page, a power of two that the machine has, such as 2 MiB
     * @param length bytes, a multiple of the huge page size
     * @throws LinuxException when the kernel refuses; {@link Errno#ENODEV} or {@link Errno#EINVAL}
     *     where it has no such pages
     */
    public static SharedMemory createHuge(String name, long length, long hugePageSize) {
        if (Long.bitCount(hugePageSize) != 1 || hugePageSize < Pages.SIZE) {
            throw new IllegalArgumentException("huge page size " + hugePageSize);
        }
        if (length % hugePageSize != 0) {
            throw new IllegalArgumentException(
                    "length %d is not a multiple of %d".formatted(length, hugePageSize));
        }
        int shift = Long.numberOfTrailingZeros(hugePageSize);
        return create(name, length, MFD_HUGETLB | shift << MFD_HUGE_SHIFT);
    }

    private static SharedMemory create(String name, long length, int kind) {
        Fd fd = memfd(name, kind | MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return owning(fd, () -> fd.truncate(length));
    }

    private static Fd memfd(String name, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            long text = arena.allocateFrom(name).address();
            long answer = Syscall.call(Syscall.Call.MEMFD_CREATE, text, flags | MFD_NOEXEC_SEAL, 0);
            if (answer == Errno.EINVAL.negated()) {
                // Before Linux 6.3 there is no such flag, and a memfd is executable.
                answer = Syscall.call(Syscall.Call.MEMFD_CREATE, text, flags, 0);
            }
            return Fd.own(
                    (int) LinuxException.check("memfd_create", name, answer), "memfd:" + name);
        }
    }

    /**
     * Opens a file that is there, as a rule of hugetlbfs or tmpfs.
     *
     * @param writable whether it may be mapped for writing
     * @throws LinuxException when the kernel refuses
     */
    public static SharedMemory open(Path path, boolean writable) {
        return adopt(Fd.open(path, writable ? Fd.O_RDWR : Fd.O_RDONLY));
    }

    /**
     * Creates a file, as a rule of hugetlbfs or tmpfs.
     *
     * @param length bytes; on hugetlbfs a multiple of its page size
     * @param mode permission bits
     * @throws LinuxException when the kernel refuses; {@link Errno#EEXIST} where there is one
     */
    public static SharedMemory createFile(Path path, long length, int mode) {
        Fd fd = Fd.open(path, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, mode);
        try {
            return owning(fd, () -> fd.truncate(length));
        } catch (Throwable e) {
            delete(path, e);
            throw e;
        }
    }

    private static void delete(Path path, Throwable cause) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    /**
     * Takes over a descriptor that was received from elsewhere, also when this fails.
     *
     * @throws LinuxException when it cannot be examined
     */
    public static SharedMemory adopt(Fd fd) {
        return owning(fd, () -> {});
    }

    private static SharedMemory owning(Fd fd, Runnable first) {
        try {
            first.run();
            return new SharedMemory(fd);
        } catch (Throwable e) {
            fd.close();
            throw e;
        }
    }

    /** {@return the descriptor, to pass on; it stays owned by this object} */
    public Fd fd() {
        return fd;
    }

    /** {@return what the file is} */
    public Kind kind() {
        return status.kind();
    }

    /** {@return bytes of the pages it is made of, huge ones included} */
    public long pageSize() {
        return status.pageSize();
    }

    /** {@return which file it is} */
    public FileIdentity identity() {
        return status.identity();
    }

    /**
     * {@return bytes, as they are now}
     *
     * @throws LinuxException when it cannot be examined
     */
    public long size() {
        return FileStatus.of(fd).size();
    }

    /**
     * {@return the seals; {@link Seal#SEAL} alone for a file that cannot be sealed}
     *
     * @throws LinuxException when the kernel refuses, other than for want of seals
     */
    public Set<Seal> seals() {
        long answer = Syscall.call(Syscall.Call.FCNTL, fd.number(), F_GET_SEALS, 0);
        if (answer == Errno.EINVAL.negated()) {
            return Set.of(Seal.SEAL);
        }
        return Seal.of((int) LinuxException.check("fcntl(F_GET_SEALS)", fd.name(), answer));
    }

    /**
     * Sets a seal, for everyone and for good.
     *
     * @throws LinuxException when the kernel refuses: {@link Errno#EBUSY} for {@link Seal#WRITE}
     *     while the memory is mapped for writing or pinned, {@link Errno#EPERM} where no seals can
     *     be set any more, {@link Errno#EINVAL} where none can ever be
     */
    public void seal(Seal seal) {
        LinuxException.check(
                "fcntl(F_ADD_SEALS)",
                "%s, %s".formatted(fd.name(), seal),
                Syscall.call(Syscall.Call.FCNTL, fd.number(), F_ADD_SEALS, seal.bit()));
    }

    /**
     * Insists on a seal.
     *
     * @throws LinuxException {@link Errno#EPERM} when it is missing
     */
    public void requireSealed(Seal seal) {
        if (!seals().contains(seal)) {
            throw new LinuxException(
                    "F_SEAL_" + seal, fd.name() + " is not sealed", Errno.EPERM.negated());
        }
    }

    /** {@return whether new mappings may be written to: open for writing, and not sealed} */
    public boolean isWritable() {
        long mode = Syscall.call(Syscall.Call.FCNTL, fd.number(), F_GETFL, 0);
        LinuxException.check("fcntl(F_GETFL)", fd.name(), mode);
        Set<Seal> seals = seals();
        return (mode & O_ACCMODE) == Fd.O_RDWR
                && !seals.contains(Seal.WRITE)
                && !seals.contains(Seal.FUTURE_WRITE);
    }

    /**
     * Gives every page its memory now, so that none is missing when it is touched.
     *
     * @throws LinuxException when the kernel refuses; {@link Errno#ENOSPC} when there is not enough
     */
    public void reserve() {
        LinuxException.check(
                "fallocate",
                fd.name(),
                Syscall.call(Syscall.Call.FALLOCATE, fd.number(), 0, 0, size()));
    }

    /**
     * Maps all of it, shared.
     *
     * @param arena unmaps when it closes
     * @param readOnly whether writing is not wanted; a must where {@link #isWritable} is false
     * @throws LinuxException when the kernel refuses; {@link Errno#EPERM} for writing to what is
     *     sealed, {@link Errno#ENOMEM} where huge pages run out
     */
    public MemorySegment map(Arena arena, boolean readOnly) {
        return map(arena, 0, size(), readOnly);
    }

    /**
     * Maps a part of it, shared; see {@link #map(Arena, boolean)}.
     *
     * @param offset bytes, a multiple of the page size
     * @param length bytes; what lies beyond the end of the file must not be touched
     * @throws LinuxException when the kernel refuses
     */
    public MemorySegment map(Arena arena, long offset, long length, boolean readOnly) {
        int protection = readOnly ? Mapping.PROT_READ : Mapping.PROT_READ | Mapping.PROT_WRITE;
        return Mapping.map(fd, offset, length, protection, Mapping.MAP_SHARED, arena);
    }

    /** Closes the descriptor; mappings stay. A second call does nothing. */
    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return "%s %s, pages of %d bytes".formatted(kind(), fd, pageSize());
    }

    /** What {@code statx(2)} and {@code fstatfs(2)} tell of a descriptor. */
    private record FileStatus(Kind kind, long pageSize, long size, FileIdentity identity) {
        private static final int AT_EMPTY_PATH = 0x1000;
        private static final int STATX_BASIC_STATS = 0x7ff;
        private static final int STATX_BYTES = 256;
        private static final int STATX_BLKSIZE = 4;
        private static final int STATX_NLINK = 16;
        private static final int STATX_INO = 32;
        private static final int STATX_SIZE = 40;
        private static final int STATX_DEV_MAJOR = 136;
        private static final int STATX_DEV_MINOR = 140;

        private static final int STATFS_BYTES = 120;
        private static final long HUGETLBFS_MAGIC = 0x958458f6L;
        private static final long TMPFS_MAGIC = 0x01021994L;

        static FileStatus of(Fd fd) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment stat = arena.allocate(STATX_BYTES, Long.BYTES);
                LinuxException.check(
                        "statx",
                        fd.name(),
                        Syscall.call(
                                Syscall.Call.STATX,
                                fd.number(),
                                arena.allocateFrom("").address(),
                                AT_EMPTY_PATH,
                                STATX_BASIC_STATS,
                                stat.address(),
                                0));
                MemorySegment fileSystem = arena.allocate(STATFS_BYTES, Long.BYTES);
                LinuxException.check(
                        "fstatfs",
                        fd.name(),
                        Syscall.call(Syscall.Call.FSTATFS, fd.number(), fileSystem.address(), 0));
                boolean huge = fileSystem.get(JAVA_LONG, 0) == HUGETLBFS_MAGIC;
                boolean tmpfs = fileSystem.get(JAVA_LONG, 0) == TMPFS_MAGIC;
                boolean unnamed = stat.get(JAVA_INT, STATX_NLINK) == 0;
                Kind kind = huge ? Kind.HUGETLBFS : tmpfs ? Kind.TMPFS : Kind.OTHER;
                return new FileStatus(
                        (huge || tmpfs) && unnamed ? Kind.MEMFD : kind,
                        huge ? stat.get(JAVA_INT, STATX_BLKSIZE) : Pages.SIZE,
                        stat.get(JAVA_LONG, STATX_SIZE),
                        new FileIdentity(
                                stat.get(JAVA_INT, STATX_DEV_MAJOR),
                                stat.get(JAVA_INT, STATX_DEV_MINOR),
                                stat.get(JAVA_LONG, STATX_INO)));
            }
        }
    }
}
