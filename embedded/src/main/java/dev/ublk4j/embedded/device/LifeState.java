package dev.ublk4j.embedded.device;

import dev.ublk4j.uapi.DeviceState;
import org.jspecify.annotations.Nullable;

/** Which part of its life a device is in, and what moves it on. */
enum LifeState {
    /*
     * The table (rows: state, columns: event; a dash: it does not happen, its command is refused):
     *
     *              START   STOP    RECOVER   HOLD       FAIL
     *   DEAD       LIVE    -       -         -          -
     *   LIVE       -       DEAD    -         QUIESCED   FAIL_IO
     *   QUIESCED   -       DEAD    LIVE      QUIESCED   -
     *   FAIL_IO    -       DEAD    LIVE      -          FAIL_IO
     *
     * QUIESCE_DEV is not in it: it has the server's idle commands come back, upon which the server
     * closes the char device, and that is the event. A server that goes before it has recovered the
     * device leaves it as it was.
     */

    /** Without a disk: not started yet, or stopped. */
    DEAD(DeviceState.UBLK_S_DEV_DEAD),
    /** Started, with a server. */
    LIVE(DeviceState.UBLK_S_DEV_LIVE),
    /** Started, without a server; requests wait for the next one. */
    QUIESCED(DeviceState.UBLK_S_DEV_QUIESCED),
    /** Started, without a server; requests fail. */
    FAIL_IO(DeviceState.UBLK_S_DEV_FAIL_IO);

    /** What happens to a device. */
    enum Event {
        /** {@code START_DEV}. */
        START,
        /** {@code STOP_DEV}, or the server of a device without recovery has gone. */
        STOP,
        /** {@code END_USER_RECOVERY}. */
        RECOVER,
        /** The server of a device has gone whose requests wait for the next one. */
        HOLD,
        /** The server of a device has gone whose requests fail until there is a next one. */
        FAIL
    }

    private final int number;

    LifeState(int number) {
        this.number = number;
    }

    /** {@return the state as {@code GET_DEV_INFO} tells it} */
    int number() {
        return number;
    }

    /** {@return the next state; null where the event does not happen} */
    @Nullable LifeState after(Event event) {
        return switch (event) {
            case START -> this == DEAD ? LIVE : null;
            case STOP -> this == DEAD ? null : DEAD;
            case RECOVER -> isWithoutServer() ? LIVE : null;
            case HOLD -> this == LIVE || this == QUIESCED ? QUIESCED : null;
            case FAIL -> this == LIVE || this == FAIL_IO ? FAIL_IO : null;
        };
    }

    /** {@return whether an event can happen} */
    boolean allows(Event event) {
        return after(event) != null;
    }

    private boolean isWithoutServer() {
        return this == QUIESCED || this == FAIL_IO;
    }
}
