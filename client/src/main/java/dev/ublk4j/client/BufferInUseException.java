package dev.ublk4j.client;

/** A buffer was used in a way that its state forbids: twice at a time, or after its release. */
public final class BufferInUseException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    BufferInUseException(String message) {
        super(message);
    }
}
