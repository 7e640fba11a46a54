package dev.ublk4j.cli.demo.pagecache;

import dev.ublk4j.client.PooledBuffer;
import java.lang.foreign.MemorySegment;

/** A place for a page in the cache. It keeps its page for as long as it is pinned. */
public final class Frame {
    static final long NO_PAGE = -1;

    private final PooledBuffer buffer;
    private long page = NO_PAGE;
    private int pins;
    private boolean referenced;
    private boolean dirty;
    private boolean loading;

    Frame(PooledBuffer buffer) {
        this.buffer = buffer;
    }

    /** {@return the number of the page in it} */
    public long page() {
        return page;
    }

    /** {@return the page, as long as it is pinned} */
    public MemorySegment memory() {
        return buffer.memory();
    }

    /** Notes that the page has been changed and must be written back. */
    public void markDirty() {
        assert pins > 0 : this;
        dirty = true;
    }

    PooledBuffer buffer() {
        return buffer;
    }

    boolean isDirty() {
        return dirty;
    }

    boolean isLoading() {
        return loading;
    }

    boolean isPinned() {
        return pins > 0;
    }

    void pin() {
        pins++;
        referenced = true;
    }

    void unpin() {
        assert pins > 0 : this;
        pins--;
    }

    /** {@return whether the page was used since the clock's hand last came by} */
    boolean passReferenced() {
        boolean was = referenced;
        referenced = false;
        return was;
    }

    void take(long newPage, boolean load) {
        assert pins == 0 && !dirty : this;
        page = newPage;
        loading = load;
    }

    void loaded() {
        loading = false;
    }

    void setDirty(boolean now) {
        dirty = now;
    }

    @Override
    public String toString() {
        return "page %d, %d pins%s".formatted(page, pins, dirty ? ", dirty" : "");
    }
}
