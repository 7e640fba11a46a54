package dev.ublk4j.kernel;

import dev.ublk4j.linux.LinuxException;

/** The wait between two tries. */
final class Pause {
    private static final long MILLIS = 10;

    private Pause() {}

    /** Sleeps a little; a thread that is interrupted gets the failure it was about to try again. */
    static void briefly(LinuxException failure) {
        try {
            Thread.sleep(MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failure.addSuppressed(e);
            throw failure;
        }
    }
}
