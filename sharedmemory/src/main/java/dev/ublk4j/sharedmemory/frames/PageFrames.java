package dev.ublk4j.sharedmemory.frames;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.process.MappedArea;
import java.util.ArrayList;
import java.util.List;

/**
 * Which page frames stand behind addresses of this process: numbers of this process's own, by what
 * is mapped.
 *
 * <p>Two pages with the same frame are the same memory, whatever addresses they have. The same
 * memory has different frames where it cannot be proved that it is the same; whoever compares
 * frames takes it for other memory then.
 *
 * <pre>{@code
 * shared file    bit 51 set     bits 28-50: number of the stretch    bits 0-27: page in the stretch
 * other memory   bit 51 clear   bits 0-50: number of the page in the address space
 * }</pre>
 *
 * <p>A stretch is 2^28 pages of one file, 1 TiB with pages of 4 KiB. Stretches get their numbers
 * when they are first seen and keep them for the life of the process, so that a mapping that is
 * made again finds the same frames. A page of a file is not looked at: whether there is one behind
 * the address, {@link Pages#populate} tells.
 *
 * <p>All objects number alike. Any thread may ask.
 */
public final class PageFrames implements AutoCloseable {
    /*
     * Why not the kernel's own frames:
     * --------------------------------
     * /proc/self/pagemap tells them to root. But the kernel moves pages: to compact memory, to make
     * huge pages (also when khugepaged thinks of it), to another node, to swap and back, into a page
     * of zeros or one that several have in common (KSM). A frame that was read once then belongs to
     * somebody else's page. Only a pin stops that, and a process can pin what it may write to and no
     * more, within RLIMIT_MEMLOCK. A frame that is numbered by file and page stays right through all
     * of it, and through holes and cuts too: what is mapped at two addresses is at any time the same
     * page of the same file, whichever page that is.
     *
     * What a number relies on:
     * ------------------------
     * The mapping stays as it is, which its owner promises; that keeps the file, and so its inode
     * number, from being given to another. Private memory, private copies of files among it, is
     * known by its address alone, and of files those whose numbers tell them apart: FileKinds.
     */

    /** The most pages that {@link #ranges} looks at in one go. */
    static final int PAGES_AT_ONCE = 1 << 16;

    private static final int PAGE_BITS = 28;
    private static final long PAGE_MASK = (1L << PAGE_BITS) - 1;
    private static final long FILE = 1L << 51;

    /** So many stretches have 100 MB of numbers; files beyond that are known by address. */
    private static final StretchNumbers NUMBERS = new StretchNumbers(1 << 20);

    private final MemoryMap map = new MemoryMap();
    private final StretchNumbers numbers;

    private PageFrames(StretchNumbers numbers) {
        this.numbers = numbers;
    }

    /** {@return the frames of this process} */
    public static PageFrames synthetic() {
        return new PageFrames(NUMBERS);
    }

    /** {@return frames with other numbers, for tests} */
    static PageFrames numberedBy(StretchNumbers numbers) {
        return new PageFrames(numbers);
    }

    /**
     * Finds the frames of consecutive pages.
     *
     * @param address in the first page
     * @param pages how many
     * @param writable whether the memory must be writable besides
     * @param frames receives one for each page, from index 0
     * @return 0, or {@code -EFAULT} when not all pages are mapped and as accessible as asked
     */
    public int read(long address, int pages, boolean writable, long[] frames) {
        long page = Pages.floor(address);
        for (int done = 0; done < pages; ) {
            MappedArea area = map.find(page);
            if (area == null || !area.readable() || (writable && !area.writable())) {
                return Errno.EFAULT.negated();
            }
            long there = (area.end() - page) >>> Pages.SHIFT;
            int some = (int) Math.min(pages - done, there);
            boolean byFile = area.shared() && FileKinds.tellApart(area);
            long inFile = (area.offset() + page - area.start()) >>> Pages.SHIFT;
            long inMemory = page >>> Pages.SHIFT;
            for (int i = 0; i < some; ) {
                long base = byFile ? stretch(area.file(), inFile + i) : -1;
                int next = base < 0 ? some : (int) Math.min(some, i + left(inFile + i));
                for (; i < next; i++) {
                    frames[done + i] =
                            base < 0 ? inMemory + i : FILE | base | ((inFile + i) & PAGE_MASK);
                }
            }
            done += some;
            page += (long) some << Pages.SHIFT;
        }
        return 0;
    }

    /** {@return pages from one of a file to the end of its stretch} */
    private static long left(long page) {
        return PAGE_MASK + 1 - (page & PAGE_MASK);
    }

    /** {@return the bits of a stretch's number, or -1 where it has none} */
    private long stretch(FileIdentity file, long page) {
        long number = numbers.of(new StretchNumbers.Stretch(file, page >>> PAGE_BITS));
        return number < 0 ? -1 : number << PAGE_BITS;
    }

    /**
     * {@return the frames of a range of memory, consecutive ones together, in the order of
     * addresses}
     *
     * @param address any, not only of a page
     * @param length bytes
     * @param writable whether the memory must be writable besides
     * @throws LinuxException {@link Errno#EFAULT} when not all of it is mapped and as accessible as
     *     asked
     */
    public List<FrameRange> ranges(long address, long length, boolean writable) {
        long pages = Pages.count(address, length);
        List<FrameRange> ranges = new ArrayList<>();
        long[] frames = new long[(int) Math.min(pages, PAGES_AT_ONCE)];
        long first = 0; // frame of the range being collected
        long count = 0; // its pages
        for (long done = 0; done < pages; ) {
            int some = (int) Math.min(pages - done, PAGES_AT_ONCE);
            int answer = read(address + (done << Pages.SHIFT), some, writable, frames);
            if (answer < 0) {
                throw new LinuxException(
                        "page frames", "%d bytes at 0x%x".formatted(length, address), answer);
            }
            for (int i = 0; i < some; i++, done++) {
                if (count == 0 || frames[i] != first + count) {
                    if (count > 0) {
                        ranges.add(new FrameRange(first, count, (done - count) << Pages.SHIFT));
                    }
                    first = frames[i];
                    count = 0;
                }
                count++;
            }
        }
        if (count > 0) {
            ranges.add(new FrameRange(first, count, (pages - count) << Pages.SHIFT));
        }
        return ranges;
    }

    /** {@return as {@link #ranges(long, long, boolean)}, of memory that need not be writable} */
    public List<FrameRange> ranges(long address, long length) {
        return ranges(address, length, false);
    }

    /** Closes what it reads from; a second call does nothing. */
    @Override
    public void close() {
        map.close();
    }
}
