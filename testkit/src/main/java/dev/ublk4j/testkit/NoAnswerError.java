package dev.ublk4j.testkit;

/** A request has had no answer for so long that there will be none. */
final class NoAnswerError extends AssertionError {
    private static final long serialVersionUID = 1L;

    NoAnswerError(String message) {
        super(message);
    }
}
