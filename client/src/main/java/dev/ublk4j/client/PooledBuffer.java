package dev.ublk4j.client;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One buffer of a {@link SharedBufferPool}: the application's from {@link SharedBufferPool#acquire}
 * to {@link #release}, except while a request is under way in it.
 *
 * <p>Buffers are made with their pool and used again and again; none is allocated later.
 */
public final class PooledBuffer {
    private enum State {
        /** In the pool. */
        FREE,
        /** With the application. */
        CHECKED_OUT,
        /** With the kernel: a request is prepared or sent and has not ended. */
        UNDER_WAY
    }

    private final SharedBufferPool pool;
    private final int index;
    private final MemorySegment memory;
    private final AtomicReference<State> state = new AtomicReference<>(State.FREE);

    /** Bytes of the request that began last; for the channel's thread. */
    private int requested;

    PooledBuffer(SharedBufferPool pool, int index, MemorySegment memory) {
        this.pool = pool;
        this.index = index;
        this.memory = memory;
    }

    /** {@return the buffer's number in its pool, counted from 0} */
    public int index() {
        return index;
    }

    /**
     * {@return the memory} Its content is undefined after {@link SharedBufferPool#acquire}, and
     * while a request is under way. After the pool has been closed any access to it throws {@link
     * IllegalStateException}.
     */
    public MemorySegment memory() {
        return memory;
    }

    /** {@return bytes} */
    public int length() {
        return (int) memory.byteSize();
    }

    /** {@return the bytes that the request in it, or the last one, was to transfer} */
    public int requested() {
        return requested;
    }

    /**
     * Gives the buffer back to the pool.
     *
     * @throws BufferInUseException when a request is under way in it, or it is back already
     */
    public void release() {
        change(State.CHECKED_OUT, State.FREE, "be released");
        pool.free(index);
    }

    SharedBufferPool pool() {
        return pool;
    }

    void checkOut() {
        boolean changed = state.compareAndSet(State.FREE, State.CHECKED_OUT);
        assert changed : this;
    }

    void begin(int bytes) {
        change(State.CHECKED_OUT, State.UNDER_WAY, "be used for a request");
        requested = bytes;
    }

    void end() {
        boolean changed = state.compareAndSet(State.UNDER_WAY, State.CHECKED_OUT);
        assert changed : this;
    }

    private void change(State from, State to, String what) {
        if (!state.compareAndSet(from, to)) {
            throw new BufferInUseException("%s cannot %s now".formatted(this, what));
        }
    }

    @Override
    public String toString() {
        return "buffer %d of %s, %s".formatted(index, pool, state.get());
    }
}
