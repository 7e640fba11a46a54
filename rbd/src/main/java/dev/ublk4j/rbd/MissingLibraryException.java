package dev.ublk4j.rbd;

/** Ceph's client library is not there, or too old; the message says what to install. */
public final class MissingLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MissingLibraryException(String message) {
        super(message);
    }

    MissingLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
