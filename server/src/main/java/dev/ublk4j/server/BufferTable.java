package dev.ublk4j.server;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The shared buffers of a device, by the index that the driver gave them.
 *
 * <p>Queue threads look buffers up while other threads come and go with them.
 */
final class BufferTable {
    /*
     * Publishing:
     * -----------
     * The index of a buffer is not known before REG_BUF has returned, and the device runs by then: a
     * request that names the new index can reach a queue thread before the buffer is in the table. So a
     * queue thread that misses a buffer asks whether a registration is under way. If one is, it sets the
     * request aside; whoever registers rings every queue after the buffer has been entered, and the
     * queue looks again. If none is, it looks once more, because the registration may have ended
     * between the two looks: the entry is written before the count goes down, so a count of 0 and an
     * empty entry read in this order mean that the index was never given.
     *
     * Removing:
     * ---------
     * UNREG_BUF returns when no request can use the buffer, so the entry is cleared after it without
     * harm. A queue's io_uring may still hold the pages as a registered buffer. The epoch counts
     * removals; each queue lets go of what is no longer in the table and notes the epoch up to which it
     * has looked, and the buffer is given back to its owner when every queue has caught up.
     *
     * One at a time:
     * --------------
     * The driver gives a free index out again as soon as UNREG_BUF has returned, and the device runs by
     * then. If the entry were still that of the old buffer, a request for the new one would get the
     * old one's memory, and the removal would then take the new entry away. So the removal of an entry
     * belongs to its UNREG_BUF, and no REG_BUF comes between the two: the device's registration lock.
     * A queue thread never takes that lock, nor any other that is held across these commands, because
     * a driver that waits for the device's requests waits for queue threads.
     */
    private static final int SIZE = 1 << 16;

    private final AtomicReferenceArray<@Nullable SharedBuffer> buffers;
    private final AtomicInteger registering = new AtomicInteger();
    private final AtomicLong removals = new AtomicLong();
    private final AtomicBoolean refusals = new AtomicBoolean();

    /** Makes a table for every index there can be. */
    BufferTable() {
        this(SIZE);
    }

    /** Makes a table for fewer indexes. */
    BufferTable(int size) {
        buffers = new AtomicReferenceArray<>(size);
    }

    /** Announces a registration; {@link #endRegistration} must follow. */
    void beginRegistration() {
        registering.incrementAndGet();
    }

    /** Makes a buffer known under the index that the driver has given it. */
    void enter(SharedBuffer buffer) {
        buffers.set(buffer.index(), buffer);
    }

    /** Ends a registration, whether it has succeeded or not. */
    void endRegistration() {
        registering.decrementAndGet();
    }

    /** {@return whether an index may turn up that is not in the table yet} */
    boolean isRegistering() {
        return registering.get() > 0;
    }

    /** {@return a buffer, or null when there is none under that index} */
    @Nullable SharedBuffer lookUp(int index) {
        return buffers.getAcquire(index);
    }

    /**
     * Takes a buffer out; answers the epoch that every queue must reach before its memory may go.
     */
    long remove(int index) {
        buffers.set(index, null);
        return removals.incrementAndGet();
    }

    /** {@return whether no queue has been refused the memory to pin a buffer before; true once} */
    boolean isFirstRefusal() {
        return !refusals.get() && refusals.compareAndSet(false, true);
    }

    /** {@return how many buffers have been taken out} */
    long epoch() {
        return removals.get();
    }
}
