package dev.ublk4j.targets;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Extents;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The kernel's own list of this process's pages, {@code /proc/self/pagemap}: where private memory
 * has a page, present or swapped out, and where it has none and so reads as zeroes.
 */
final class PageTable {
    private static final Path PAGEMAP = Path.of("/proc/self/pagemap");

    private static final int PAGE_SHIFT = 12;

    /** Bits 63, present, and 62, swapped; those two are told without a privilege. */
    private static final long HAS_PAGE = 3L << 62;

    /** Entries that are read at one go: what they describe is 16 MiB. */
    private static final int BATCH = 4096;

    /** What is described at most, in batches: 1 GiB. */
    private static final int MAX_BATCHES = 64;

    private PageTable() {}

    /** Describes a range of addresses, whole where it can be told within a reasonable time. */
    static void describe(long address, long length, Extents extents) {
        try (Arena arena = Arena.ofConfined();
                Fd pagemap = Fd.open(PAGEMAP, Fd.O_RDONLY)) {
            MemorySegment entries = arena.allocate(JAVA_LONG, BATCH);
            long at = address;
            for (int batch = 0; batch < MAX_BATCHES && at < address + length; batch++) {
                long next = describe(pagemap, entries, at, address + length, extents);
                if (next < 0) {
                    return;
                }
                at = next;
            }
        }
    }

    /** {@return where to go on, or -1 when {@code extents} is full} */
    private static long describe(
            Fd pagemap, MemorySegment entries, long from, long end, Extents extents) {
        long firstPage = from >>> PAGE_SHIFT;
        long pages = Math.min(BATCH, ((end - 1) >>> PAGE_SHIFT) - firstPage + 1);
        MemorySegment part = entries.asSlice(0, pages * Long.BYTES);
        long read = pagemap.pread(part, firstPage * Long.BYTES);
        LinuxException.check("pread", pagemap.name(), read);
        long at = from;
        for (long entry = 0; entry < read / Long.BYTES; entry++) {
            long pageEnd = Math.min((firstPage + entry + 1) << PAGE_SHIFT, end);
            boolean isData = (part.getAtIndex(JAVA_LONG, entry) & HAS_PAGE) != 0;
            if (!extents.add(pageEnd - at, isData)) {
                return -1;
            }
            at = pageEnd;
        }
        return at;
    }
}
