package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.embedded.freeze.FreezeOutcome;
import dev.ublk4j.embedded.range.BufferRuns;
import dev.ublk4j.embedded.range.RangeTable;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.FullHeap;
import dev.ublk4j.sharedmemory.frames.FrameRange;
import dev.ublk4j.sharedmemory.frames.PageFrames;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The registered buffers of a device, found by page frame.
 *
 * <p>Frames are numbers of what is mapped, in this table as in every request that is looked up in
 * it, so nothing has to be pinned: {@link PageFrames}.
 */
public final class BufferRegistry {
    /*
     * Registering needs no drain:
     * ---------------------------
     * The table changes for its readers in one step: a buffer is there with all its ranges or not at
     * all, and a registration that fails was never seen. A request that was matched before the step
     * did not find the buffer and is copied, which is always right; one matched after it finds the
     * whole buffer. The server may see the new index before REG_BUF has returned, as it may
     * with the kernel, whose queue runs again before the command returns.
     *
     * Unregistering drains:
     * ---------------------
     * Once the table has changed no request finds the buffer any more. Those that had found it are inside
     * the gate of the disk, which a request leaves when it has been answered or put aside (it is
     * matched anew when it goes again). So: change the table, then freeze and thaw the gate. A
     * device that is being stopped has a gate that was killed, and drains in the same way.
     *
     * What is held meanwhile:
     * -----------------------
     * The lock below, which no queue thread ever takes, and nothing else: a server may fetch, commit,
     * even recover while a command waits here. The index of a buffer is free for the next registration
     * only when that gets the lock, which is after the drain.
     */

    private static final FullHeap FULL_HEAP = new FullHeap();
    private static final int NO_MEMORY = Errno.ENOMEM.negated();

    private final Supplier<@Nullable Gendisk> disk;
    private final boolean touchesNothing;
    private final RangeTable table = new RangeTable();
    private final ReentrantLock lock = new ReentrantLock();

    /** Of the lock; opened for the first buffer. */
    private @Nullable PageFrames frames;

    /**
     * Makes a registry without buffers.
     *
     * @param disk of the device, while it is started
     * @param touchesNothing whether memory that is registered gets its pages later, when they are
     *     used
     */
    public BufferRegistry(Supplier<@Nullable Gendisk> disk, boolean touchesNothing) {
        this.disk = disk;
        this.touchesNothing = touchesNothing;
    }

    /** {@return the table that requests are matched with} */
    RangeTable table() {
        return table;
    }

    /**
     * Registers memory.
     *
     * @param address page aligned
     * @param bytes whole pages, at most 4 GiB
     * @return the buffer's index, or a negative errno
     */
    public int register(long address, long bytes, int flags) {
        if (Long.compareUnsigned(address + bytes, address) < 0) {
            return Errno.EOVERFLOW.negated();
        }
        boolean writable = flags == 0;
        if (!touchesNothing) {
            int answer = Pages.populate(address, bytes, writable);
            if (answer < 0) {
                return answer;
            }
        }
        try {
            BufferRuns runs = new BufferRuns();
            for (FrameRange range : frames().ranges(address, bytes, writable)) {
                runs.add(range.firstFrame(), (int) range.pages());
            }
            return insert(runs, flags);
        } catch (LinuxException e) {
            return -e.number();
        } catch (OutOfMemoryError e) {
            return NO_MEMORY; // nothing is held yet, and the table is as it was
        }
    }

    private PageFrames frames() {
        lock.lock();
        try {
            PageFrames open = frames;
            if (open == null) {
                open = PageFrames.synthetic();
                frames = open;
            }
            return open;
        } finally {
            lock.unlock();
        }
    }

    private int insert(BufferRuns runs, int flags) {
        lock.lock();
        try {
            return table.register(runs, flags);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Unregisters a buffer; returns when no request uses it.
     *
     * @param own the queues that the sender serves: their requests cannot be waited for, so with
     *     any of them under way nothing changes
     */
    public int unregister(int index, OwnQueues own) {
        if (!own.lock(lock)) {
            return OwnQueues.DEADLOCK;
        }
        try {
            Gendisk started = own.isNone() ? null : disk.get();
            if (started == null) {
                return remove(index);
            }
            FreezeOutcome outcome = started.gate().freeze(Deadline.FOREVER, own.queues());
            if (outcome == FreezeOutcome.FROZEN) {
                try {
                    return remove(index);
                } finally {
                    started.gate().thaw();
                }
            }
            // Where the gate has been killed, nobody enters any more.
            return outcome == FreezeOutcome.DEADLOCK || own.haveRequests()
                    ? OwnQueues.DEADLOCK
                    : remove(index);
        } finally {
            lock.unlock();
        }
    }

    private int remove(int index) {
        int answer = table.unregister(index);
        if (answer == 0) {
            drain();
        }
        return answer;
    }

    private void drain() {
        while (true) {
            try {
                drainOnce();
                return;
            } catch (OutOfMemoryError e) {
                // No request finds the buffer any more, but some may still use it.
                FULL_HEAP.pause();
            }
        }
    }

    private void drainOnce() {
        Gendisk started = disk.get();
        if (started == null) {
            return; // not started, or stopped with every request answered
        }
        if (started.gate().freeze(Deadline.FOREVER) == FreezeOutcome.FROZEN) {
            started.gate().thaw();
        } else {
            started.gate().drain(Deadline.FOREVER);
        }
    }

    /** Unregisters everything in one pass, when nobody uses the device. */
    public void clear() {
        lock.lock();
        try {
            table.clear(index -> {});
            if (frames != null) {
                frames.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
