package dev.ublk4j.cli.output;

/** A command that cannot do what it was asked to, in words for the person who asked. */
public final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates a failure of which the text says everything. */
    public Failure(String text) {
        super(text);
    }

    /** Creates a failure whose cause is of interest to a developer. */
    public Failure(String text, Throwable cause) {
        super(text, cause);
    }
}
