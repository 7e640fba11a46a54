package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.server.AdaptiveWait;
import dev.ublk4j.vhostuser.ring.Vring;

/** When a queue's thread sleeps, and that the client kicks it only then. Of that thread. */
final class Idling {
    private final AdaptiveWait wait;
    private boolean kicksEnabled;

    /**
     * Makes one.
     *
     * @param pollNanos how long to look for requests, at most, before sleeping
     */
    Idling(long pollNanos) {
        wait = new AdaptiveWait(pollNanos);
    }

    /** Begins with a ring, whose client kicks. */
    void begin() {
        kicksEnabled = true;
    }

    /** The thread goes on, as there is something to do; answers true. */
    boolean goOn(Vring ring) {
        if (wait.isAsleep()) {
            wait.awake(System.nanoTime());
        } else {
            wait.busy();
        }
        if (kicksEnabled) {
            ring.disableKicks();
            kicksEnabled = false;
        }
        return true;
    }

    /** {@return whether the thread may sleep, as it has nothing to do} */
    boolean sleep(Vring ring) {
        long now = System.nanoTime();
        if (!wait.sleeps(now)) {
            Thread.onSpinWait();
            return false;
        }
        if (!kicksEnabled) {
            kicksEnabled = true;
            if (ring.enableKicks()) {
                return false;
            }
        }
        wait.asleep(now);
        return true;
    }
}
