package dev.ublk4j.sharedmemory;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Syscall;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages locked into memory with {@code mlock(2)}, as often as asked.
 *
 * <p>The kernel does not count: one {@code munlock} undoes any number of {@code mlock}s. So what
 * other ranges still want stays locked. Not thread-safe.
 */
final class PageLocks implements AutoCloseable {
    private final List<Locked> ranges = new ArrayList<>();

    /** Whole pages from {@code start} to before {@code end}; each lock is an object of its own. */
    static final class Locked {
        private final long start;
        private final long end;

        private Locked(long start, long end) {
            this.start = start;
            this.end = end;
        }
    }

    /**
     * Locks the pages of a range.
     *
     * @throws LinuxException {@link Errno#EFAULT} when not all of it can be read, {@link
     *     Errno#ENOMEM} when the process may not lock so much
     */
    Locked lock(long address, long length) {
        if (Memory.populate(address, length) < 0) {
            throw new LinuxException("pin", Memory.text(address, length), Errno.EFAULT.negated());
        }
        Locked range = new Locked(Pages.floor(address), Pages.ceiling(address + length));
        long answer = Syscall.call(Syscall.Call.MLOCK, range.start, range.end - range.start, 0);
        if (answer < 0) {
            // The pages are there, so the limit is what it minds, whichever errno it says it with.
            unlock(range);
            throw new LinuxException("mlock", Memory.text(address, length), Errno.ENOMEM.negated());
        }
        ranges.add(range);
        return range;
    }

    /** Ends a lock. */
    void unlock(Locked range) {
        ranges.remove(range);
        unlock(range.start, range.end, 0);
    }

    /** Unlocks what none of the ranges from index {@code from} covers. */
    private void unlock(long start, long end, int from) {
        for (int i = from; i < ranges.size(); i++) {
            Locked other = ranges.get(i);
            if (other.start < end && start < other.end) {
                if (start < other.start) {
                    unlock(start, other.start, i + 1);
                }
                if (other.end < end) {
                    unlock(other.end, end, i + 1);
                }
                return;
            }
        }
        // Answers ENOMEM where the memory has been unmapped meanwhile, and with it the lock.
        Syscall.call(Syscall.Call.MUNLOCK, start, end - start, 0);
    }

    @Override
    public void close() {
        while (!ranges.isEmpty()) {
            unlock(ranges.getLast());
        }
    }
}
