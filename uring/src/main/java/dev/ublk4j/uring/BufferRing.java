package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Buffers lent to the kernel, which takes the next one when an operation needs it.
 *
 * <p>An operation prepared with {@link Ring#selectBuffer} names no address; its completion has
 * {@link IoUring#IORING_CQE_F_BUFFER} and says with {@link #bufferId} which buffer was filled. That
 * buffer belongs to the caller again until the next {@link #add}.
 *
 * <pre>{@code
 * struct io_uring_buf {     // 16 bytes; an array of them is the ring
 *     __u64 addr;
 *     __u32 len;
 *     __u16 bid;
 *     __u16 resv;           // in the first: the tail
 * };
 * }</pre>
 *
 * <p>Used by the thread of its ring. Closed before or after the ring.
 */
public final class BufferRing implements AutoCloseable {
    static final int BUF_BYTES = 16;
    static final int BUF_ADDR = 0;
    static final int BUF_LEN = 8;
    static final int BUF_BID = 12;
    static final int TAIL = 14;

    private static final int MAX_ENTRIES = 32768;
    private static final int MAX_GROUP = 0xffff;
    private static final VarHandle SHORT = JAVA_SHORT.varHandle();

    private final Registration registration;
    private final Arena arena;
    private final MemorySegment ring;
    private final int group;
    private final int entries;
    private int tail;
    private boolean closed;

    private BufferRing(
            Registration registration, Arena arena, MemorySegment ring, int group, int entries) {
        this.registration = registration;
        this.arena = arena;
        this.ring = ring;
        this.group = group;
        this.entries = entries;
    }

    static BufferRing open(Registration registration, int group, int entries, boolean incremental) {
        if (entries < 1 || entries > MAX_ENTRIES || Integer.bitCount(entries) != 1) {
            throw new IllegalArgumentException("entries: " + entries);
        }
        if (group < 0 || group > MAX_GROUP) {
            throw new IllegalArgumentException("group: " + group);
        }
        @SuppressWarnings(
                "MustBeClosedChecker") // the new object owns it, or the handler below closes it
        Arena arena = Arena.ofShared();
        try {
            MemorySegment ring =
                    Mapping.anonymous((long) entries * BUF_BYTES, Mapping.MAP_PRIVATE, arena);
            registration.bufferRing(
                    ring, entries, group, incremental ? IoUring.IOU_PBUF_RING_INC : 0);
            return new BufferRing(registration, arena, ring, group, entries);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** {@return the number that {@link Ring#selectBuffer} takes} */
    public int group() {
        return group;
    }

    /** {@return buffers that fit} */
    public int entries() {
        return entries;
    }

    /**
     * Lends a buffer, from the next {@link #publish} on.
     *
     * <p>No more buffers may be lent at a time than the ring has entries: nothing checks it.
     *
     * @param length bytes
     * @param bufferId comes back in the completion, up to 65535
     */
    public void add(long address, int length, int bufferId) {
        long base = (long) (tail & (entries - 1)) * BUF_BYTES;
        ring.set(JAVA_LONG, base + BUF_ADDR, address);
        ring.set(JAVA_INT, base + BUF_LEN, length);
        ring.set(JAVA_SHORT, base + BUF_BID, (short) bufferId);
        tail++;
    }

    /** Shows the kernel the buffers added so far. */
    public void publish() {
        // Pairs with the kernel's load-acquire of the buffer ring's tail: the entries are written.
        SHORT.setRelease(ring, (long) TAIL, (short) tail);
    }

    /** {@return the id of the buffer that a completion filled} */
    public static int bufferId(int completionFlags) {
        assert (completionFlags & IoUring.IORING_CQE_F_BUFFER) != 0 : completionFlags;
        return completionFlags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
    }

    /** Takes the buffers back, except those that an operation has already taken. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            // The kernel has pinned the pages of the ring, so they outlive the mapping.
            if (!registration.isClosed()) {
                registration.unregisterBufferRing(group);
            }
            arena.close();
        }
    }

    @Override
    public String toString() {
        return "BufferRing(group %d, %d entries, %d lent so far%s)"
                .formatted(group, entries, tail, closed ? ", closed" : "");
    }
}
