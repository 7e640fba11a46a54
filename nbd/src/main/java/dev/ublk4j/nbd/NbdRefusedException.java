package dev.ublk4j.nbd;

import java.io.IOException;

/** A server that has no such export, or does not speak the protocol as this client needs it. */
public final class NbdRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    NbdRefusedException(String message) {
        super(message);
    }
}
