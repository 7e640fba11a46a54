package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.internal.FileStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What direct I/O on a file must be aligned to, in bytes.
 *
 * @param memory the data in memory
 * @param offset its place in the file, and its length; 0 where there is no direct I/O at all
 */
record DirectAlignment(int memory, int offset) {
    /** That of I/O through the page cache. */
    static final DirectAlignment NONE = new DirectAlignment(1, 1);

    private static final int PAGE = 4096;

    /**
     * Asks the kernel.
     *
     * @param sector bytes of a sector of the block device, 512 of a regular file
     */
    static DirectAlignment of(Fd fd, FileStatus status, int sector) {
        if (status.directAlignmentKnown()) {
            return status.directMemoryAlignment() == 0
                    ? new DirectAlignment(1, 0)
                    : new DirectAlignment(
                            status.directMemoryAlignment(),
                            Math.max(sector, status.directOffsetAlignment()));
        }
        return new DirectAlignment(sector, status.isRegular() ? probe(fd, sector) : sector);
    }

    /** Linux before 6.1 does not tell, but refuses what is not aligned. */
    private static int probe(Fd fd, int sector) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = Mapping.anonymous(PAGE, Mapping.MAP_PRIVATE, arena);
            long read = fd.pread(page.asSlice(0, sector), sector);
            return read == Errno.EINVAL.negated() ? PAGE : sector;
        }
    }

    /** {@return why a device of such blocks cannot use direct I/O from such an offset, or null} */
    @Nullable String hindrance(int blockSize, long start) {
        if (offset == 0 || memory > PAGE) {
            return "its file system does not support direct I/O";
        }
        if (blockSize % offset != 0) {
            return ("direct I/O on it must be aligned to %d bytes, but the device has blocks of %d;"
                            + " a block size of %d allows direct I/O, which suits an image made for"
                            + " such blocks")
                    .formatted(offset, blockSize, offset);
        }
        if (start % offset != 0) {
            return "direct I/O on it must be aligned to %d bytes, but its part begins at %d"
                    .formatted(offset, start);
        }
        return null;
    }
}
