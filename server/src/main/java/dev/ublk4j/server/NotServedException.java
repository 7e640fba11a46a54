package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;

/**
 * A command that needs a served device, and would hang on one that waits for its next server: the
 * driver would first wait for the requests that the device keeps.
 */
public final class NotServedException extends LinuxException {
    private static final long serialVersionUID = 1L;

    NotServedException(String command, int device, String state) {
        super(command, "device %d, %s".formatted(device, state), Errno.EBUSY.negated());
    }
}
