package dev.ublk4j.embedded.queue;

import dev.ublk4j.driver.spi.Wakeup;
import dev.ublk4j.embedded.handoff.SleepAnnouncement;
import dev.ublk4j.uring.Ring;

/** Puts a queue thread to sleep on its io_uring, and wakes it when something arrives elsewhere. */
final class RingSleep implements AutoCloseable {
    private final Ring ring;
    private final Wakeup wakeup = new Wakeup();
    private final SleepAnnouncement announcement = new SleepAnnouncement(wakeup::signal);
    private boolean armed;

    RingSleep(Ring ring) {
        this.ring = ring;
    }

    /** Wakes the thread where it sleeps or is about to; from any thread. */
    void wakeIfAsleep() {
        announcement.signalIfMade();
    }

    /** Says that the thread will sleep unless it finds work now. */
    void announce() {
        announcement.make();
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
        announcement.takeBack();
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
        announcement.close();
        wakeup.close();
    }
}
