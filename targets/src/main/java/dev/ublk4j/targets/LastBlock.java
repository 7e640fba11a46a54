package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileLock;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.uapi.Sectors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The last bytes of a regular file that has no whole number of blocks, as a device of one block.
 * The rest of the block reads as zeroes, and what is written there vanishes: the file keeps its
 * size.
 *
 * <p>Direct I/O cannot write a part of a block, so these bytes go through the page cache, which may
 * wait.
 */
public final class LastBlock
        implements BlockingTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
    private final Fd fd;
    private final long start;
    private final int bytes;
    private final Geometry geometry;

    private LastBlock(Fd fd, long start, int bytes, Geometry geometry) {
        this.fd = fd;
        this.start = start;
        this.bytes = bytes;
        this.geometry = geometry;
    }

    /**
     * Opens the end of a file.
     *
     * @param options with the part's begin; its size is what is left of the file
     * @param bytes how many are left, fewer than a block; 0 for an empty file
     * @throws LinuxException what {@code open} answers
     * @throws UnfitFileException when another server has locked it
     */
    public static LastBlock open(Path path, FileOptions options, int bytes) {
        int block = options.blockSize() == 0 ? Sectors.SIZE : options.blockSize();
        if (bytes < 0 || bytes >= block) {
            throw new IllegalArgumentException(
                    "%d bytes are no part of a block of %d".formatted(bytes, block));
        }
        Fd fd = Fd.open(path, options.readOnly() ? Fd.O_RDONLY : Fd.O_RDWR);
        try {
            FileLock.take(fd, !options.readOnly(), options.offset(), 0);
            Geometry shape = Geometry.ofSize(block).withBlockSize(block).withForcedUnitAccess();
            return new LastBlock(
                    fd,
                    options.offset(),
                    bytes,
                    options.readOnly()
                            ? shape.asReadOnly()
                            : shape.withDiscard(block).withWriteZeroes());
        } catch (LinuxException e) {
            fd.close();
            throw e.errno() == Errno.EAGAIN
                    ? new UnfitFileException(path, "is in use by another server")
                    : e;
        } catch (Throwable e) {
            fd.close();
            throw e;
        }
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public int read(Request request) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(geometry.size());
            long answer = transfer(false, block);
            return answer < 0 ? (int) answer : request.copyFrom(block, request.offset());
        }
    }

    @Override
    public int write(Request request) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(geometry.size());
            request.copyTo(block, request.offset());
            long answer = transfer(true, block);
            if (answer >= 0 && request.forcesUnitAccess()) {
                answer = fd.syncData();
            }
            return answer < 0 ? (int) answer : (int) request.length();
        }
    }

    @Override
    public int flush(Request request) {
        return (int) fd.syncData();
    }

    /** What is forgotten reads as zeroes. */
    @Override
    public int discard(Request request) {
        return writeZeroes(request);
    }

    @Override
    public int writeZeroes(Request request) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) transfer(true, arena.allocate(geometry.size()));
        }
    }

    /** {@return 0 when all bytes have been read or written, else a negative errno} */
    private long transfer(boolean write, MemorySegment block) {
        long done = 0;
        while (done < bytes) {
            MemorySegment rest = block.asSlice(done, bytes - done);
            long answer = write ? fd.pwrite(rest, start + done) : fd.pread(rest, start + done);
            if (answer == 0) {
                // The file has been cut off.
                return Errno.EIO.negated();
            }
            if (answer < 0 && answer != Errno.EINTR.negated()) {
                return answer;
            }
            done += Math.max(0, answer);
        }
        return 0;
    }

    /** Unlocks and closes the file; a second call does nothing. */
    @Override
    public void close() {
        fd.close();
    }
}
