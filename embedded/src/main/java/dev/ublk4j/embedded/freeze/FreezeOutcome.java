package dev.ublk4j.embedded.freeze;

/** How an attempt to freeze a device ended. */
public enum FreezeOutcome {
    /** Nobody is inside and nobody gets in; the caller owes a {@link FreezeGate#thaw}. */
    FROZEN,
    /** Requests were still inside when the time was up; the attempt has been taken back. */
    TIMED_OUT,
    /**
     * Requests were inside that only the caller's own thread completes. The attempt has been taken
     * back.
     */
    DEADLOCK,
    /** The device is gone; requests may still be inside. The attempt has been taken back. */
    KILLED
}
