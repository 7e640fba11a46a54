package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The queues of a device that the sender of a control command serves itself. Their requests are
 * answered by nobody while the sender waits for its command, so a command that would have to wait
 * for one is refused with {@link #DEADLOCK}.
 *
 * <p>The sender does nothing else meanwhile, so what it serves does not change. A queue whose tags
 * were fetched by several threads counts as every one's.
 */
public final class OwnQueues {
    /** The answer to a command that would wait for its sender. */
    public static final int DEADLOCK = Errno.EDEADLK.negated();

    private static final OwnQueues NONE = new OwnQueues(new BitSet(), () -> null);
    private static final Duration RECHECK = Duration.ofNanos(200_000);

    private final BitSet queues;
    private final Supplier<@Nullable Gendisk> disk;

    private OwnQueues(BitSet queues, Supplier<@Nullable Gendisk> disk) {
        this.queues = queues;
        this.disk = disk;
    }

    /** {@return no queue: of a sender that serves none, or of the driver itself} */
    public static OwnQueues none() {
        return NONE;
    }

    /** {@return some queues of the device that has a disk while it is started} */
    static OwnQueues of(BitSet queues, Supplier<@Nullable Gendisk> disk) {
        return queues.isEmpty() ? NONE : new OwnQueues(queues, disk);
    }

    boolean isNone() {
        return queues.isEmpty();
    }

    BitSet queues() {
        return queues;
    }

    /** {@return whether a request of one of the queues is under way} */
    public boolean haveRequests() {
        Gendisk started = disk.get();
        return started != null
                && queues.stream().anyMatch(queue -> started.gate().inside(queue) > 0);
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
        boolean _ = Deadline.never().poll(RECHECK, () -> lock.tryLock() || haveRequests());
        return lock.isHeldByCurrentThread();
    }
}
