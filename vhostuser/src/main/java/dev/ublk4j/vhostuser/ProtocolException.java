package dev.ublk4j.vhostuser;

/** A client asks for what cannot be done, or does not follow the protocol. */
final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ProtocolException(String what) {
        super(what);
    }

    ProtocolException(String what, Throwable cause) {
        super(what, cause);
    }
}
