package dev.ublk4j.handover;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;

/** What the other side of a socket refused, or said wrongly, with its own words. */
public final class HandoverException extends LinuxException {
    private static final long serialVersionUID = 1L;

    private final String text;

    /**
     * Creates the exception.
     *
     * @param status a negative errno
     * @param text why, for a person
     */
    public HandoverException(String request, String object, int status, String text) {
        super(request, object, status);
        this.text = text;
    }

    /** {@return a message or a reply that makes no sense} */
    static HandoverException malformed(String what) {
        return new HandoverException("message", what, Errno.EPROTO.negated(), "malformed " + what);
    }

    /** {@return why, for a person} */
    public String text() {
        return text;
    }

    @Override
    public String getMessage() {
        String refusal = String.valueOf(super.getMessage());
        return text.isEmpty() ? refusal : refusal + ": " + text;
    }
}
