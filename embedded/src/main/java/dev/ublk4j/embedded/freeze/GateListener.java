package dev.ublk4j.embedded.freeze;

/**
 * Hears when a shut gate changes, on behalf of the requests that wait outside.
 *
 * <p>The calls come on the thread that opened or killed the gate, which holds no lock of the gate.
 * Two threads may call at the same time, and by the time of a call the gate may be shut again: take
 * a call as the advice to try once more.
 */
public interface GateListener {
    /** The gate has been opened: requests that were turned away may try again. */
    void onOpened();

    /** The gate has been killed: requests that were turned away will never get in. */
    void onKilled();
}
