package dev.ublk4j.embedded;

import dev.ublk4j.linux.Errno;
import java.util.BitSet;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The queues of a device that the sender of a control command serves itself. Their requests are
 * answered by nobody while the sender waits for its command, so a command that would have to wait
 * for one is refused with {@link #DEADLOCK}.
 *
 * <p>The sender does nothing else meanwhile, so what it serves does not change. A queue whose tags
 * were fetched by several threads counts as every one's.
 */
final class OwnQueues {
    static final int DEADLOCK = Errno.EDEADLK.negated();

    private static final OwnQueues NONE = new OwnQueues(null, new BitSet());
    private static final long RECHECK_NANOS = 200_000;

    private final @Nullable Device device;
    private final BitSet queues;

    private OwnQueues(@Nullable Device device, BitSet queues) {
        this.device = device;
        this.queues = queues;
    }

    /** {@return no queue: of a sender that serves none, or of the driver itself} */
    static OwnQueues none() {
        return NONE;
    }

    /** {@return those of a thread} */
    static OwnQueues of(Device device, Thread thread) {
        BitSet queues = new BitSet();
        for (int queue = 0; queue < device.queues(); queue++) {
            for (int tag = 0; tag < device.depth() && !queues.get(queue); tag++) {
                queues.set(queue, device.queue(queue).slot(tag).thread() == thread);
            }
        }
        return queues.isEmpty() ? NONE : new OwnQueues(device, queues);
    }

    boolean isNone() {
        return queues.isEmpty();
    }

    BitSet queues() {
        return queues;
    }

    /** {@return whether a request of one of the queues is under way} */
    boolean haveRequests() {
        BlockDisk disk = device == null ? null : device.disk();
        return disk != null && queues.stream().anyMatch(queue -> disk.gate().inside(queue) > 0);
    }

    /**
     * Takes a lock whose holder may be waiting for requests.
     *
     * @return whether it is held now; false when its holder may wait for requests of these queues
     */
    boolean lock(ReentrantLock lock) {
        if (isNone()) {
            lock.lock();
            return true;
        }
        while (!lock.tryLock()) {
            if (haveRequests()) {
                return false;
            }
            LockSupport.parkNanos(this, RECHECK_NANOS);
        }
        return true;
    }
}
