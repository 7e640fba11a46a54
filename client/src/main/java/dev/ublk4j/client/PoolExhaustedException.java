package dev.ublk4j.client;

/** All buffers of a pool are checked out. */
public final class PoolExhaustedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    PoolExhaustedException(String message) {
        super(message);
    }
}
