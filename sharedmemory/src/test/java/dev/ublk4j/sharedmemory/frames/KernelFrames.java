package dev.ublk4j.sharedmemory.frames;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Pages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Where the kernel has a page at this moment, for who may see it: the truth that numbered frames
 * are held to.
 */
final class KernelFrames {
    private static final long PRESENT = 1L << 63;
    private static final long FRAME = (1L << 55) - 1;

    private KernelFrames() {}

    /** The frame of the page at an address, which is touched first. */
    static long at(MemorySegment memory, long page) {
        long address = memory.address() + page * Pages.SIZE;
        assumeTrue(Pages.populate(address, Pages.SIZE, false) == 0, "the page is there");
        try (Arena arena = Arena.ofConfined();
                Fd pagemap = Fd.open(Path.of("/proc/self/pagemap"), Fd.O_RDONLY)) {
            MemorySegment entry = arena.allocate(JAVA_LONG);
            pagemap.pread(entry, (address >>> Pages.SHIFT) * Long.BYTES);
            long value = entry.get(JAVA_LONG, 0);
            assumeTrue((value & PRESENT) != 0 && (value & FRAME) != 0, "frames may be seen");
            return value & FRAME;
        }
    }
}
