package dev.ublk4j.cli.demo.pagecache;

import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.linux.LinuxException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The same transactions on a page cache twice: with its frames shared with the device, and without.
 *
 * @param device is overwritten
 * @param pageBytes bytes of a page, a multiple of 4 KiB
 * @param frames pages that fit into the cache
 * @param transactions how many, each time
 */
public record PageCacheDemo(BlockDevice device, int pageBytes, int frames, int transactions) {
    /** Pages on the device for each frame of the cache, at most. */
    private static final int PAGES_PER_FRAME = 8;

    /**
     * What one run came to.
     *
     * @param shared whether the frames were shared with the device
     * @param nanos how long it took
     * @param pagesRead from the device
     * @param pagesWritten to the device
     * @param hits pages that were in the cache already
     * @param pageBytes bytes of a page
     */
    public record Row(
            boolean shared,
            long nanos,
            long pagesRead,
            long pagesWritten,
            long hits,
            int pageBytes) {
        /** {@return bytes read and written a second} */
        public double bytesPerSecond() {
            return (double) (pagesRead + pagesWritten) * pageBytes * 1e9 / nanos;
        }
    }

    /**
     * What both runs came to.
     *
     * @param rows the copied run, and the shared one where the device shares memory
     * @param refusal why it does not, or null
     */
    public record Outcome(List<Row> rows, @Nullable LinuxException refusal) {}

    /**
     * Runs it, and checks every page.
     *
     * @throws CorruptPageException when a page is not what was written
     */
    public Outcome run() {
        try (SharedBufferPool pool = SharedBufferPool.create(pageBytes, frames);
                Attachment attachment = pool.attach(device)) {
            int pages = pages(attachment);
            List<Row> rows = new ArrayList<>();
            attachment.unshare();
            rows.add(measure(pool, attachment, pages));
            if (attachment.share()) {
                rows.add(measure(pool, attachment, pages));
            }
            return new Outcome(rows, attachment.refusal());
        }
    }

    private int pages(Attachment attachment) {
        try (DeviceChannel channel = attachment.open(1)) {
            return (int) Math.min(channel.size() / pageBytes, (long) frames * PAGES_PER_FRAME);
        }
    }

    private Row measure(SharedBufferPool pool, Attachment attachment, int pages) {
        try (PageCache cache = new PageCache(pool, attachment, pages)) {
            Transactions work = new Transactions(cache, pages);
            work.format();
            // The first transactions let the compiler finish.
            work.run(transactions / 4, 1);
            long hits = cache.hits();
            long read = cache.pagesRead();
            long written = cache.pagesWritten();
            long start = System.nanoTime();
            work.run(transactions, 2);
            long nanos = System.nanoTime() - start;
            Row row =
                    new Row(
                            attachment.isShared(),
                            nanos,
                            cache.pagesRead() - read,
                            cache.pagesWritten() - written,
                            cache.hits() - hits,
                            pageBytes);
            work.verify();
            return row;
        }
    }
}
