package dev.ublk4j.cli.demo.pagecache;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Random transactions on the pages of a cache, of which each page is checked to be the version that
 * was left behind.
 */
final class Transactions {
    /** Pages of one transaction. */
    private static final int PAGES = 8;

    /** One page in so many is changed. */
    private static final int CHANGES = 3;

    private final PageCache cache;
    private final long[] versions;

    Transactions(PageCache cache, int pages) {
        this.cache = cache;
        this.versions = new long[pages];
    }

    /** Makes every page anew. */
    void format() {
        for (int page = 0; page < versions.length; page++) {
            Frame frame = cache.create(page);
            Page.format(frame.memory(), page);
            cache.unpin(frame);
            versions[page] = 0;
        }
        cache.clear();
    }

    /** Does transactions; which pages they are about follows from the seed. */
    void run(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        long[] pages = new long[PAGES];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < PAGES; j++) {
                pages[j] = random.nextInt(versions.length);
            }
            List<Frame> frames = cache.pin(pages);
            for (Frame frame : frames) {
                check(frame);
                if (random.nextInt(CHANGES) == 0) {
                    int page = (int) frame.page();
                    Page.change(frame.memory(), ++versions[page]);
                    frame.markDirty();
                }
            }
            frames.forEach(cache::unpin);
        }
        cache.flush();
    }

    /** Reads every page again and checks it. */
    void verify() {
        cache.clear();
        for (int page = 0; page < versions.length; page++) {
            Frame frame = cache.pin(page).getFirst();
            check(frame);
            cache.unpin(frame);
        }
    }

    private void check(Frame frame) {
        long found = Page.version(frame.memory());
        long expected = versions[(int) frame.page()];
        if (found != expected) {
            throw new CorruptPageException(
                    frame.page(), "version %d instead of %d".formatted(found, expected));
        }
    }
}
