package dev.ublk4j.cli.demo.pagecache;

import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.PooledBuffer;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Pages of a block device in memory: read when they are wanted, written back when their frame is.
 *
 * <p>Frames are the buffers of a {@link SharedBufferPool}, so that where the device shares memory a
 * page is never copied between the two: it is read into its frame, changed there and written from
 * there. Which page makes room is found by a clock: a hand goes round and takes the first page that
 * is not pinned and was not used since it last came by. One thread.
 */
public final class PageCache implements AutoCloseable {
    private static final int NO_FRAME = -1;

    /** Dirty pages written together when the hand meets one, so that few writes are waited for. */
    private static final int WRITE_BACK_BATCH = 16;

    private final int pageBytes;
    private final DeviceChannel channel;
    private final Frame[] frames;

    /** By the number of a page. */
    private final int[] frameOf;

    private final List<Frame> loading = new ArrayList<>();
    private int hand;
    private long hits;
    private long pagesRead;
    private long pagesWritten;
    private int failure;

    /**
     * Opens a cache over the first pages of a device, for the calling thread.
     *
     * @param pool attached to the device; the cache uses all of its buffers
     * @param pages how many
     */
    public PageCache(SharedBufferPool pool, Attachment device, int pages) {
        this.pageBytes = pool.bufferBytes();
        this.frames = new Frame[pool.buffers()];
        this.frameOf = new int[pages];
        Arrays.fill(frameOf, NO_FRAME);
        this.channel = device.open(WRITE_BACK_BATCH, this::onTransfer);
        for (int i = 0; i < frames.length; i++) {
            PooledBuffer buffer = pool.acquire();
            frames[buffer.index()] = new Frame(buffer);
        }
    }

    /**
     * Pins pages: each is in the frame that is answered, until it is unpinned as often as it was
     * pinned. Pages that are missing are read together.
     *
     * @throws LinuxException when the device fails; nothing is pinned then
     * @throws CorruptPageException when a page is not what was written
     */
    public List<Frame> pin(long... pages) {
        List<Frame> pinned = new ArrayList<>(pages.length);
        try {
            for (long page : pages) {
                Frame frame = find(page);
                if (frame == null) {
                    frame = vacate();
                    settle(frame, page, true);
                    channel.read(frame.buffer(), page * pageBytes);
                    loading.add(frame);
                    pagesRead++;
                } else {
                    hits++;
                }
                frame.pin();
                pinned.add(frame);
            }
            awaitTransfers();
            for (Frame frame : loading) {
                Page.verify(frame.memory(), frame.page());
                frame.loaded();
            }
            loading.clear();
            return pinned;
        } catch (Throwable e) {
            channel.runAll();
            pinned.forEach(Frame::unpin);
            loading.forEach(this::evict);
            loading.clear();
            throw e;
        }
    }

    /** Pins a page that is not read, because the caller gives it new content. */
    public Frame create(long page) {
        Frame frame = find(page);
        if (frame == null) {
            frame = vacate();
            settle(frame, page, false);
        }
        frame.pin();
        frame.markDirty();
        return frame;
    }

    /** Unpins a page once. */
    public void unpin(Frame frame) {
        frame.unpin();
    }

    private @Nullable Frame find(long page) {
        int index = frameOf[(int) page];
        return index == NO_FRAME ? null : frames[index];
    }

    private void settle(Frame frame, long page, boolean load) {
        frame.take(page, load);
        frameOf[(int) page] = frame.buffer().index();
    }

    private void evict(Frame frame) {
        if (frame.page() != Frame.NO_PAGE) {
            frameOf[(int) frame.page()] = NO_FRAME;
            frame.loaded();
            frame.take(Frame.NO_PAGE, false);
        }
    }

    /** {@return a frame without a page} */
    private Frame vacate() {
        // Once round forgets who was used, the second time round finds one.
        for (int steps = 0; steps < 2 * frames.length; steps++) {
            Frame frame = frames[hand];
            if (!frame.isPinned() && !frame.isLoading() && !frame.passReferenced()) {
                if (frame.isDirty()) {
                    writeBack(WRITE_BACK_BATCH);
                }
                evict(frame);
                return frame;
            }
            hand = (hand + 1) % frames.length;
        }
        throw new IllegalStateException("every frame is pinned");
    }

    /** Writes dirty pages that nobody has pinned, from the hand on. */
    private void writeBack(int most) {
        int begun = 0;
        for (int i = 0; i < frames.length && begun < most; i++) {
            Frame frame = frames[(hand + i) % frames.length];
            if (frame.isDirty() && !frame.isPinned()) {
                Page.seal(frame.memory());
                frame.setDirty(false);
                channel.write(frame.buffer(), frame.page() * pageBytes);
                pagesWritten++;
                begun++;
            }
        }
        awaitTransfers();
    }

    private void awaitTransfers() {
        channel.runAll();
        int failed = failure;
        failure = 0;
        LinuxException.check("page cache", channel.toString(), failed);
    }

    private void onTransfer(PooledBuffer buffer, int result) {
        if (result != buffer.requested()) {
            failure = result < 0 ? result : Errno.EIO.negated();
            Frame frame = frames[buffer.index()];
            // What was to be written is not lost with the attempt.
            frame.setDirty(!frame.isLoading());
        }
    }

    /**
     * Writes every dirty page and makes it lasting. No page may be pinned.
     *
     * @throws LinuxException when the device fails
     */
    public void flush() {
        writeBack(frames.length);
        channel.flush();
    }

    /** Writes every dirty page, and forgets all pages, so that they are read again. */
    public void clear() {
        flush();
        for (Frame frame : frames) {
            evict(frame);
        }
    }

    /** {@return how often a page was in its frame already} */
    public long hits() {
        return hits;
    }

    /** {@return pages read from the device} */
    public long pagesRead() {
        return pagesRead;
    }

    /** {@return pages written to the device} */
    public long pagesWritten() {
        return pagesWritten;
    }

    /** Writes every dirty page, closes the device and gives the buffers back to the pool. */
    @Override
    public void close() {
        try (channel) {
            flush();
        }
        for (Frame frame : frames) {
            frame.buffer().release();
        }
    }
}
