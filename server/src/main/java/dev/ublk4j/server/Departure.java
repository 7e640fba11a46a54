package dev.ublk4j.server;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Says that the driver has begun to take the tags of a device back, because the device is stopped
 * or another server is to come.
 *
 * <p>The driver takes back those tags that are idle at that moment, and no others: a queue whose
 * tags were all out learns of it from here.
 */
final class Departure {
    private final AtomicBoolean begun = new AtomicBoolean();
    private final Runnable ringQueues;
    private volatile boolean announced;

    /**
     * Creates one that has not begun.
     *
     * @param ringQueues makes every queue look around
     */
    Departure(Runnable ringQueues) {
        this.ringQueues = ringQueues;
    }

    /** Says that this process is about to stop the device; from any thread. */
    void announce() {
        announced = true;
    }

    /** {@return whether this process stops the device, or the driver takes its tags back} */
    boolean isAnnounced() {
        return announced || begun.get();
    }

    /** Tells every queue; from any thread. A second call does nothing. */
    void begin() {
        if (!begun.get() && begun.compareAndSet(false, true)) {
            ringQueues.run();
        }
    }

    /** {@return whether queues are to end as soon as they owe no answer} */
    boolean hasBegun() {
        return begun.get();
    }
}
