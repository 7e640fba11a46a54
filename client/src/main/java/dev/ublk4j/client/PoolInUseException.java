package dev.ublk4j.client;

/**
 * Memory was to be freed that requests may still be using. Nothing has been freed: once they have
 * ended, it can be tried again.
 */
public final class PoolInUseException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    PoolInUseException(String message) {
        super(message);
    }
}
