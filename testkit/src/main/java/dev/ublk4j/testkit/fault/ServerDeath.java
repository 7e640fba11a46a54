package dev.ublk4j.testkit.fault;

/** Ends a queue's thread as the end of its process would: no answer is given any more. */
final class ServerDeath extends Error {
    private static final long serialVersionUID = 1L;

    ServerDeath() {
        super("the server was killed on purpose");
    }
}
