package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.queue.IoSlot;
import dev.ublk4j.embedded.queue.QueueSet;
import dev.ublk4j.embedded.queue.ServerRing;
import dev.ublk4j.embedded.queue.TagState;
import dev.ublk4j.embedded.queue.UblkQueue;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.wire.IoResult;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How far the server of a device has got with fetching tags, and whether it is still let in: {@code
 * nr_queue_ready} and {@code canceling} of the kernel's driver.
 */
final class ServerReadiness {
    private final QueueSet queues;
    private final boolean refusesFetchWhileStopping;
    private final ReentrantLock mutex = new ReentrantLock();
    private final Condition readyOrStopping = mutex.newCondition();
    private final ReentrantLock cancelLock = new ReentrantLock();

    // Of the mutex.
    private int queuesReady;
    private boolean stopping;

    // Of the cancel lock.
    private boolean canceling;

    ServerReadiness(QueueSet queues) {
        this.queues = queues;
        this.refusesFetchWhileStopping = queues.settings().release().refusesFetchWhileStopping();
    }

    /** {@return the device's mutex} */
    ReentrantLock mutex() {
        return mutex;
    }

    /** {@return whether all tags have been fetched; holding the mutex} */
    private boolean isReady() {
        return queuesReady == queues.count();
    }

    /** {@return whether the server is turned away; holding the mutex} */
    boolean isStopping() {
        return stopping;
    }

    /** Turns the server away until it closes the char device; holding the mutex. */
    void stop() {
        stopping = true;
        readyOrStopping.signalAll();
    }

    /**
     * Waits until all tags have been fetched or the device is being stopped, and holds the mutex.
     */
    void lockWhenReady() {
        mutex.lock();
        while (!isReady() && !stopping) {
            readyOrStopping.awaitUninterruptibly();
        }
    }

    /** Takes a tag's first command; 0 when it has been taken, or the command's answer. */
    int fetch(UblkQueue queue, IoSlot slot, ServerRing ring, long address, long userData) {
        mutex.lock();
        try {
            if (stopping && refusesFetchWhileStopping) {
                return IoResult.UBLK_IO_RES_ABORT;
            }
            if (isReady()) {
                return Errno.EBUSY.negated();
            }
            if (slot.state() != TagState.UNFETCHED) {
                return Errno.EINVAL.negated();
            }
            slot.fetch(ring, address, userData);
            if (queue.countFetched()) {
                queuesReady++;
                cancelLock.lock();
                try {
                    queue.ready(canceling);
                } finally {
                    cancelLock.unlock();
                }
                if (isReady()) {
                    readyOrStopping.signalAll();
                }
            }
            return 0;
        } finally {
            mutex.unlock();
        }
    }

    /** Takes back a fetch of a command that is refused as a whole; holding the mutex. */
    void unfetch(UblkQueue queue, IoSlot slot) {
        if (queue.isFetched()) {
            queuesReady--;
            queue.cancel();
        }
        queue.unfetch(slot);
    }

    /** Keeps requests from the server from now on, until it has closed the char device. */
    void startCanceling() {
        cancelLock.lock();
        try {
            if (!canceling) {
                canceling = true;
                queues.cancel();
            }
        } finally {
            cancelLock.unlock();
        }
    }

    /** Forgets the server that has closed the char device; holding the mutex. */
    void forget() {
        queues.reset();
        cancelLock.lock();
        try {
            canceling = false;
        } finally {
            cancelLock.unlock();
        }
        queuesReady = 0;
        stopping = false;
    }
}
