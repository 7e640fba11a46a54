package dev.ublk4j.vhostuser.ring;

/** A client has written something into its memory that a virtqueue cannot hold. */
public final class BadRingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param what is wrong, with the values that show it
     */
    public BadRingException(String what) {
        super(what);
    }
}
