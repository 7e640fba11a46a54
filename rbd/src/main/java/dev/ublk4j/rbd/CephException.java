package dev.ublk4j.rbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;

/**
 * What Ceph refuses, or does not answer in time.
 *
 * <p>The message is one line for a person: what failed, with Ceph's name and number of the error,
 * and what to do about it where that is known.
 */
public final class CephException extends LinuxException {
    private static final long serialVersionUID = 1L;

    private final String message;

    CephException(String call, String object, int answer, String message) {
        super(call, object, answer);
        this.message = message;
    }

    /** {@return the failure of a call of which no more is known than its error} */
    static CephException of(String call, String object, long answer) {
        return new CephException(
                call, object, (int) answer, "%s: %s".formatted(object, text(answer)));
    }

    /**
     * {@return an error as Ceph's own programs write it: {@code (2) No such file or directory}}
     *
     * @param answer the negative errno
     */
    static String text(long answer) {
        return "(%d) %s".formatted(-answer, Strerror.of((int) -answer));
    }

    /** {@return the failure of what was not answered in time} */
    static CephException late(String call, String object, String message) {
        return new CephException(call, object, Errno.ETIMEDOUT.negated(), message);
    }

    @Override
    public String getMessage() {
        return message;
    }
}
