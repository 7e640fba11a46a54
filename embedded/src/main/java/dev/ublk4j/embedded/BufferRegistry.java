package dev.ublk4j.embedded;

import dev.ublk4j.embedded.freeze.FreezeOutcome;
import dev.ublk4j.embedded.range.BufferRuns;
import dev.ublk4j.embedded.range.RangeTable;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FrameRange;
import dev.ublk4j.sharedmemory.PageFrames;
import dev.ublk4j.sharedmemory.PagePins;
import dev.ublk4j.sharedmemory.Pin;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The registered buffers of a device: pinned, unless the driver numbers frames itself, and found by
 * page frame.
 */
final class BufferRegistry {
    /*
     * Registering needs no drain:
     * ---------------------------
     * The table changes for its readers in one step: a buffer is there with all its ranges or not at
     * all, and a registration that fails was never seen. A request that was matched before the step
     * did not find the buffer and is copied, which is always right; one matched after it finds the
     * whole buffer, pinned. The server may see the new index before REG_BUF has returned, as it may
     * with the kernel, whose queue runs again before the command returns.
     *
     * Unregistering drains:
     * ---------------------
     * Once the table has changed no request finds the buffer any more. Those that had found it are inside
     * the gate of the disk, which a request leaves when it has been answered or put aside (it is
     * matched anew when it goes again). So: change the table, freeze and thaw the gate, then unpin. A
     * device that is being stopped has a gate that was killed, and drains in the same way.
     *
     * What is held meanwhile:
     * -----------------------
     * The lock below, which no queue thread ever takes, and nothing else: a server may fetch, commit,
     * even recover while a command waits here. The index of a buffer is free for the next registration
     * only when that gets the lock, which is after the drain.
     */
    private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    private final Device device;
    private final boolean numbersFrames;
    private final RangeTable table = new RangeTable();
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Integer, Pin> pinned = new HashMap<>();

    // Of the lock; opened for the first buffer.
    private @Nullable PagePins pins;
    private @Nullable PageFrames frames;

    BufferRegistry(Device device, boolean numbersFrames) {
        this.device = device;
        this.numbersFrames = numbersFrames;
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
    int register(long address, long bytes, int flags) {
        if (numbersFrames) {
            return insert(address, bytes, null, flags);
        }
        Pin pin;
        try {
            pin = pins().pin(address, bytes, flags == 0);
        } catch (LinuxException e) {
            return -e.number();
        }
        boolean inserted = false;
        try {
            int answer = insert(address, bytes, pin, flags);
            inserted = answer >= 0;
            return answer;
        } finally {
            // The heap may end anywhere above, and the pages are not to stay for that.
            if (!inserted) {
                pin.close();
            }
        }
    }

    private PagePins pins() {
        lock.lock();
        try {
            PagePins open = pins;
            if (open == null) {
                open = PagePins.open();
                pins = open;
            }
            return open;
        } finally {
            lock.unlock();
        }
    }

    private PageFrames frames() {
        lock.lock();
        try {
            PageFrames open = frames;
            if (open == null) {
                open = numbersFrames ? PageFrames.synthetic() : PageFrames.open();
                frames = open;
            }
            return open;
        } finally {
            lock.unlock();
        }
    }

    private int insert(long address, long bytes, @Nullable Pin pin, int flags) {
        BufferRuns runs = new BufferRuns();
        try {
            for (FrameRange range : frames().ranges(address, bytes)) {
                runs.add(range.firstFrame(), (int) range.pages());
            }
        } catch (LinuxException e) {
            return -e.number();
        }
        lock.lock();
        try {
            int answer = table.register(runs, flags);
            if (answer >= 0 && pin != null) {
                keep(answer, pin);
            }
            return answer;
        } finally {
            lock.unlock();
        }
    }

    private void keep(int index, Pin pin) {
        try {
            pinned.put(index, pin);
        } catch (OutOfMemoryError e) {
            // Requests may have found it already.
            int _ = remove(index);
            throw e;
        }
    }

    /**
     * Unregisters a buffer; returns when no request uses it.
     *
     * @param own the queues that the sender serves: their requests cannot be waited for, so with
     *     any of them under way nothing changes
     */
    int unregister(int index, OwnQueues own) {
        if (!own.lock(lock)) {
            return OwnQueues.DEADLOCK;
        }
        try {
            BlockDisk disk = own.isNone() ? null : device.disk();
            if (disk == null) {
                return remove(index);
            }
            FreezeOutcome outcome = disk.gate().freeze(FOREVER, own.queues());
            if (outcome == FreezeOutcome.FROZEN) {
                try {
                    return remove(index);
                } finally {
                    disk.gate().thaw();
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
        Pin pin = pinned.remove(index);
        if (answer < 0) {
            return answer;
        }
        drain();
        if (pin != null) {
            pin.close();
        }
        return 0;
    }

    private void drain() {
        BlockDisk disk = device.disk();
        if (disk == null) {
            return; // not started, or stopped with every request answered
        }
        if (disk.gate().freeze(FOREVER) == FreezeOutcome.FROZEN) {
            disk.gate().thaw();
        } else {
            disk.gate().drain(FOREVER);
        }
    }

    /** Unregisters everything in one pass, when nobody uses the device. */
    void clear() {
        lock.lock();
        try {
            table.clear(index -> {});
            pinned.clear();
            if (pins != null) {
                pins.close();
            }
            if (frames != null) {
                frames.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
