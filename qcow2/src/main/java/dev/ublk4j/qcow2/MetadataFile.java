package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The file of an image, for what is not the data of clusters: through the page cache, blocking, in
 * whole. From any thread.
 */
final class MetadataFile implements AutoCloseable {
    private final Path path;
    private final Fd fd;
    private final boolean regular;
    private volatile long length;

    private MetadataFile(Path path, Fd fd, boolean regular, long length) {
        this.path = path;
        this.fd = fd;
        this.regular = regular;
        this.length = length;
    }

    /**
     * Opens a file that has been locked.
     *
     * @param deviceBytes the size, where it is a block device
     */
    static MetadataFile open(Path path, boolean readOnly, long deviceBytes) {
        Fd fd = Fd.open(path, readOnly ? Fd.O_RDONLY : Fd.O_RDWR);
        try {
            FileStatus status = FileStatus.of(fd);
            return new MetadataFile(
                    path, fd, status.isRegular(), status.isRegular() ? status.size() : deviceBytes);
        } catch (Throwable e) {
            fd.close();
            throw e;
        }
    }

    Path path() {
        return path;
    }

    /** {@return bytes that the file has} */
    long length() {
        return length;
    }

    /** {@return whether the file can become longer, and reads as zeroes where it has} */
    boolean canGrow() {
        return regular;
    }

    /**
     * {@return bytes of the file, all that are asked for}
     *
     * @throws LinuxException {@code EIO} when the file ends before, or what the read answers
     */
    MemorySegment read(Arena arena, long at, long bytes) {
        MemorySegment memory = arena.allocate(bytes, Long.BYTES);
        if (read(memory, at) < bytes) {
            throw new LinuxException(
                    "read", path.toString(), Errno.EIO.negated(), "it ends before " + (at + bytes));
        }
        return memory;
    }

    /** {@return how many bytes were read: fewer than asked for at the end of the file} */
    long read(MemorySegment memory, long at) {
        long done = 0;
        while (done < memory.byteSize()) {
            long result = fd.pread(memory.asSlice(done), at + done);
            if (result == 0) {
                break;
            }
            if (result != Errno.EINTR.negated()) {
                done += LinuxException.check("read", path.toString(), result);
            }
        }
        return done;
    }

    void write(MemorySegment memory, long at) {
        long done = 0;
        while (done < memory.byteSize()) {
            long result = fd.pwrite(memory.asSlice(done), at + done);
            if (result != Errno.EINTR.negated()) {
                done += LinuxException.check("write", path.toString(), result);
            }
        }
    }

    /** Makes durable what has been written to the file, by whatever descriptor. */
    void sync() {
        fd.sync();
    }

    /**
     * Sees to it that the file has so many bytes.
     *
     * @throws LinuxException {@code ENOSPC} when it is a block device that is smaller
     */
    void provide(long bytes) {
        if (bytes <= length) {
            return;
        }
        if (!regular) {
            throw new LinuxException("write", path.toString(), Errno.ENOSPC.negated());
        }
        fd.truncate(bytes);
        length = bytes;
    }

    /** Cuts off what is behind, of a regular file. */
    void cut(long bytes) {
        if (regular && bytes < length) {
            fd.truncate(bytes);
            length = bytes;
        }
    }

    /** Gives space back, where the file system can do that. */
    void punch(long at, long bytes) {
        // Space that stays is no error.
        long _ = fd.punch(at, bytes);
    }

    @Override
    public void close() {
        fd.close();
    }
}
