package dev.ublk4j.sharedmemory;

import dev.ublk4j.linux.Errno;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Frames numbered by what is mapped.
 *
 * <pre>{@code
 * shared file    bit 51 set     bits 28-50: number of the stretch    bits 0-27: page in the stretch
 * other memory   bit 51 clear   bits 0-50: number of the page in the address space
 * }</pre>
 *
 * <p>A stretch is 2^28 pages of one file, 1 TiB with pages of 4 KiB. Stretches get their numbers,
 * of which there are eight million, when they are first seen and keep them for the life of the
 * process, so that a mapping that is made again finds the same frames. A page of a file is not
 * looked at: whether there is one behind the address, pinning tells.
 */
final class SyntheticFrames implements PageFrames {
    private static final int PAGE_BITS = 28;
    private static final long PAGE_MASK = (1L << PAGE_BITS) - 1;
    private static final long FILE = 1L << 51;
    private static final long STRETCHES = FILE >>> PAGE_BITS;

    private static final ConcurrentMap<Stretch, Long> NUMBERS = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT = new AtomicLong();

    private final MemoryMap map = new MemoryMap();

    private record Stretch(FileIdentity file, long index) {}

    @Override
    public boolean isReal() {
        return false;
    }

    @Override
    public int read(long address, int pages, long[] frames) {
        long page = Pages.floor(address);
        for (int done = 0; done < pages; ) {
            MemoryMap.Area area = map.find(page);
            if (area == null || !area.readable()) {
                return Errno.EFAULT.negated();
            }
            long there = (area.end() - page) >>> Pages.SHIFT;
            int some = (int) Math.min(pages - done, there);
            if (area.shared() && area.file().inode() != 0) {
                long first = (area.offset() + page - area.start()) >>> Pages.SHIFT;
                ofFile(area.file(), first, some, frames, done);
            } else {
                for (int i = 0; i < some; i++) {
                    frames[done + i] = (page >>> Pages.SHIFT) + i;
                }
            }
            done += some;
            page += (long) some << Pages.SHIFT;
        }
        return 0;
    }

    private static void ofFile(FileIdentity file, long first, int pages, long[] frames, int at) {
        long base = 0;
        for (int i = 0; i < pages; i++) {
            long page = first + i;
            if (i == 0 || (page & PAGE_MASK) == 0) {
                base = FILE | number(new Stretch(file, page >>> PAGE_BITS)) << PAGE_BITS;
            }
            frames[at + i] = base | (page & PAGE_MASK);
        }
    }

    private static long number(Stretch stretch) {
        long number = NUMBERS.computeIfAbsent(stretch, unseen -> NEXT.getAndIncrement());
        if (number >= STRETCHES) {
            throw new IllegalStateException("more than " + STRETCHES + " files have been shared");
        }
        return number;
    }

    @Override
    public void close() {
        map.close();
    }
}
