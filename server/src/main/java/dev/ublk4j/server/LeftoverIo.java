package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The backend I/O that a failed queue leaves behind. The kernel may still touch the data of its
 * requests, so it is cancelled, and its end waited for, before the memory goes. On the queue's
 * thread.
 *
 * <p>A queue that ends in order leaves none: its requests are committed after their I/O.
 */
final class LeftoverIo implements CompletionHandler {
    private static final System.Logger LOG = System.getLogger(LeftoverIo.class.getName());

    /** How long I/O may take that is past cancelling. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final long PAUSE_NANOS = 200_000;

    private final Queue queue;
    private final QueueRing ring;
    private final QueueGuest guest;

    LeftoverIo(Queue queue, QueueRing ring, QueueGuest guest) {
        this.queue = queue;
        this.ring = ring;
        this.guest = guest;
    }

    /**
     * Ends it.
     *
     * @return whether it has ended; if not, the memory of requests must stay for good
     */
    boolean end() {
        try {
            if (!queue.hasIoLeft() || cancelled()) {
                return true;
            }
            LOG.log(Level.ERROR, () -> queue + ": I/O does not end; its memory stays mapped");
        } catch (Throwable e) {
            LOG.log(
                    Level.ERROR,
                    () -> queue + ": the state of I/O is unknown; its memory stays mapped",
                    e);
        }
        return false;
    }

    private boolean cancelled() {
        Deadline deadline = Deadline.in(PATIENCE);
        // What is prepared is counted already; once submitted it can be cancelled like the rest.
        int _ = ring.run(false, this);
        boolean _ = ring.ring().cancelAll(PATIENCE.toNanos());
        while (queue.hasIoLeft()) {
            if (deadline.isOver()) {
                return false;
            }
            if (ring.run(false, this) == 0) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        return true;
    }

    /** Nobody is there any more to answer a request, or to go on with one. */
    @Override
    public void onCompletion(long userData, int result, int flags) {
        if (RequestId.kind(userData) == RequestId.KIND_BACKEND) {
            Request _ = queue.backendDone(RequestId.id(userData));
        } else if (RequestId.kind(userData) == RequestId.KIND_GUEST) {
            tellGuest(RequestId.guestValue(userData), result, flags);
        }
    }

    private void tellGuest(long value, int result, int flags) {
        try {
            guest.completed(value, result, flags);
        } catch (Throwable e) {
            LOG.log(Level.ERROR, () -> "the guest of " + queue + " failed as well", e);
        }
    }
}
