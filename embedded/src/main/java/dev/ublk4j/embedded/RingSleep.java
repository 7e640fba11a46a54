package dev.ublk4j.embedded;

import dev.ublk4j.driver.Wakeup;
import dev.ublk4j.uring.Ring;

/** Puts a queue thread to sleep on its io_uring, and wakes it when something arrives elsewhere. */
final class RingSleep implements AutoCloseable {
    /*
     * No wake-up is lost:
     * -------------------
     * The thread announces that it will sleep (a volatile write), then looks for work once more, then
     * sleeps. Who brings work makes it visible first (an atomic change or a volatile write), then reads
     * the announcement. All four accesses are volatile and so have one total order (JLS 17.4.4): either
     * the thread sees the work, or the other sees the announcement and signals. A signal that comes
     * before the thread is asleep is kept by the eventfd, whose armed read then completes at once.
     *
     * No call while there is work:
     * ----------------------------
     * The announcement is false while the thread is awake, so bringing work to it costs one read. Of
     * several who find it true, the lock lets the first one signal, who takes the announcement back.
     *
     * Not after the end:
     * ------------------
     * The lock also keeps a late signal from going to a descriptor that has been closed, or that by then
     * is another's. It is taken only to signal and to close.
     */
    private final Ring ring;
    private final Wakeup wakeup = new Wakeup();
    private final Object signaling = new Object();
    private volatile boolean asleep;
    private boolean closed;
    private boolean armed;

    RingSleep(Ring ring) {
        this.ring = ring;
    }

    /** Wakes the thread where it sleeps or is about to; from any thread. */
    void wakeIfAsleep() {
        if (asleep) {
            synchronized (signaling) {
                if (asleep && !closed) {
                    asleep = false;
                    wakeup.signal();
                }
            }
        }
    }

    /** Says that the thread will sleep unless it finds work now. */
    void announce() {
        asleep = true;
    }

    /** Sleeps until the ring has a completion, the wake-up among others. */
    void untilCompletion() {
        if (!armed) {
            armed = true;
            wakeup.arm(ring);
        }
        ring.submitAndWait(1);
    }

    /** Says that the thread is awake. */
    void end() {
        asleep = false;
    }

    /** The armed read has completed. */
    void onWake() {
        armed = false;
    }

    /** {@return whether the ring still refers to memory of this} */
    boolean isArmed() {
        return armed;
    }

    @Override
    public void close() {
        synchronized (signaling) {
            closed = true;
            asleep = false;
        }
        wakeup.close();
    }
}
