package dev.ublk4j.driver;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.time.Duration;

/** A control command that had no answer in time. It may still take effect later. */
public final class ControlTimeoutException extends LinuxException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception for one command.
     *
     * @param command its name, such as {@code UBLK_U_CMD_DEL_DEV}
     * @param object what it was sent to, such as {@code device 3}
     * @param timeout how long it was waited for
     */
    public ControlTimeoutException(String command, String object, Duration timeout) {
        super(
                command,
                object + ", no answer in " + timeout.toMillis() + " ms",
                Errno.ETIMEDOUT.negated());
    }
}
