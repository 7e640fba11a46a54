package dev.ublk4j.guest;

/**
 * A guest that cannot boot, has died or does not answer, or a command in it that failed. The
 * message says which, and ends with the last that was printed.
 */
public final class GuestException extends RuntimeException {
    private static final long serialVersionUID = 1;

    GuestException(String message) {
        super(message);
    }

    GuestException(String message, Throwable cause) {
        super(message, cause);
    }
}
