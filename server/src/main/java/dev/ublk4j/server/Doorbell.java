package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import java.util.concurrent.atomic.AtomicInteger;

/** Wakes a queue thread from other threads, and outlives its ring. */
final class Doorbell {
    private final QueueRing ring;
    private final AtomicInteger ringing = new AtomicInteger();
    private volatile boolean closed;

    Doorbell(QueueRing ring) {
        this.ring = ring;
    }

    /** Makes the queue thread look around; does nothing once the queue has ended. */
    void ring() {
        ringing.incrementAndGet();
        try {
            if (!closed) {
                ring.wake();
            }
        } finally {
            ringing.decrementAndGet();
        }
    }

    /** Waits for those who are ringing; the ring may be closed when this has returned. */
    void close() {
        closed = true;
        while (ringing.get() != 0) {
            Thread.onSpinWait();
        }
    }
}
