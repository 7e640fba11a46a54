package dev.ublk4j.sharedmemory;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.util.ArrayList;
import java.util.List;

/**
 * Which page frames stand behind addresses of this process.
 *
 * <p>Two pages with the same frame are the same memory, whatever addresses they have. Frames are
 * below 2^52. They come from one of two sources, never mixed:
 *
 * <ul>
 *   <li><em>Real</em> frames are the kernel's, from {@code /proc/self/pagemap}, which tells them to
 *       a process with {@code CAP_SYS_ADMIN}. The kernel may move a page that nobody pins, so ask
 *       while it is pinned.
 *   <li><em>Synthetic</em> frames are numbered by what is mapped: pages of a shared file by file
 *       and offset, so that consecutive pages have consecutive frames; other memory by its address.
 *       They never change as long as the file, or for other memory the mapping, is there.
 * </ul>
 *
 * <p>All objects of one source number alike, for the life of the process. Any thread may ask.
 */
public sealed interface PageFrames extends AutoCloseable permits RealFrames, SyntheticFrames {
    /** The most pages that {@link #ranges} looks at in one go. */
    int PAGES_AT_ONCE = 1 << 16;

    /** {@return real frames where this process may see them, else synthetic ones} */
    static PageFrames open() {
        return RealFrames.PERMITTED ? real() : synthetic();
    }

    /**
     * {@return real frames}
     *
     * @throws LinuxException {@link Errno#EPERM} when this process may not see them
     */
    static PageFrames real() {
        return RealFrames.open();
    }

    /** {@return synthetic frames} */
    static PageFrames synthetic() {
        return new SyntheticFrames();
    }

    /** {@return whether the frames are the kernel's} */
    boolean isReal();

    /**
     * Finds the frames of consecutive pages.
     *
     * <p>Real frames of pages that have no memory yet make the kernel supply it.
     *
     * @param address in the first page
     * @param pages how many
     * @param frames receives one for each page, from index 0
     * @return 0, or {@code -EFAULT} when not all pages can be read
     */
    int read(long address, int pages, long[] frames);

    /**
     * {@return the frames of a range of memory, consecutive ones together, in the order of
     * addresses}
     *
     * @param address any, not only of a page
     * @param length bytes
     * @throws LinuxException {@link Errno#EFAULT} when not all of it can be read
     */
    default List<FrameRange> ranges(long address, long length) {
        long pages = Pages.count(address, length);
        List<FrameRange> ranges = new ArrayList<>();
        long[] frames = new long[(int) Math.min(pages, PAGES_AT_ONCE)];
        long first = 0; // frame of the range being collected
        long count = 0; // its pages
        for (long done = 0; done < pages; ) {
            int some = (int) Math.min(pages - done, PAGES_AT_ONCE);
            int answer = read(address + (done << Pages.SHIFT), some, frames);
            if (answer < 0) {
                throw new LinuxException("page frames", Memory.text(address, length), answer);
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

    /** Closes what it reads from; a second call does nothing. */
    @Override
    void close();
}
