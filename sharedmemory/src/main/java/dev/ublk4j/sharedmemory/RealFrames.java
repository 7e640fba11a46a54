package dev.ublk4j.sharedmemory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Frames from {@code /proc/self/pagemap}: 8 bytes for each page of the address space.
 *
 * <p>Bit 63 says that the page is in memory, bits 0 to 54 are its frame, or 0 for those who may not
 * see it.
 *
 * <p>A page of private memory that was read and never written has the frame of the kernel's one
 * page of zeros. That never matches a page that is pinned for writing.
 */
final class RealFrames implements PageFrames {
    private static final Path PAGEMAP = Path.of("/proc/self/pagemap");
    private static final long PRESENT = 1L << 63;
    private static final long FRAME = (1L << 55) - 1;
    private static final int ENTRIES_AT_ONCE = 8192;

    /** Whether this process was allowed to see frames when it first asked. */
    static final boolean PERMITTED = probe();

    private final Fd pagemap = Fd.open(PAGEMAP, Fd.O_RDONLY);

    private RealFrames() {}

    static RealFrames open() {
        if (!PERMITTED) {
            throw new LinuxException("page frames", PAGEMAP.toString(), Errno.EPERM.negated());
        }
        return new RealFrames();
    }

    private static boolean probe() {
        try (RealFrames frames = new RealFrames();
                Arena arena = Arena.ofConfined()) {
            MemorySegment touched = arena.allocate(1);
            touched.set(JAVA_BYTE, 0, (byte) 1);
            long[] frame = new long[1];
            return frames.read(touched.address(), 1, frame) == 0 && frame[0] != 0;
        } catch (LinuxException e) {
            // No /proc, or none that lets us look: then frames are synthetic.
            return false;
        }
    }

    @Override
    public boolean isReal() {
        return true;
    }

    @Override
    public int read(long address, int pages, long[] frames) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries =
                    arena.allocate(
                            (long) Math.min(pages, ENTRIES_AT_ONCE) * Long.BYTES, Long.BYTES);
            for (int done = 0; done < pages; ) {
                int some = Math.min(pages - done, ENTRIES_AT_ONCE);
                long page = (address >>> Pages.SHIFT) + done;
                MemorySegment wanted = entries.asSlice(0, (long) some * Long.BYTES);
                if (!present(page, some, wanted)) {
                    long start = page << Pages.SHIFT;
                    if (Memory.populate(start, (long) some << Pages.SHIFT) < 0
                            || !present(page, some, wanted)) {
                        return Errno.EFAULT.negated();
                    }
                }
                for (int i = 0; i < some; i++) {
                    frames[done + i] = wanted.getAtIndex(JAVA_LONG, i) & FRAME;
                }
                done += some;
            }
            return 0;
        }
    }

    /** Reads entries and tells whether all pages are in memory. */
    private boolean present(long page, int pages, MemorySegment entries) {
        if (pagemap.pread(entries, page * Long.BYTES) != entries.byteSize()) {
            return false;
        }
        for (int i = 0; i < pages; i++) {
            if ((entries.getAtIndex(JAVA_LONG, i) & PRESENT) == 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        pagemap.close();
    }
}
