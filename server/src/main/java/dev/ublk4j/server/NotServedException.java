package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;

/**
 * A command for a device that this server has left, or that has stopped. On one that waits for its
 * next server it would hang, as the driver would first wait for the requests that the device keeps;
 * and one that somebody has deleted may have passed its number on to another device.
 */
public final class NotServedException extends LinuxException {
    private static final long serialVersionUID = 1L;

    NotServedException(String command, int device) {
        super(
                command,
                "device %d, which is not served from here any more".formatted(device),
                Errno.EBUSY.negated());
    }
}
