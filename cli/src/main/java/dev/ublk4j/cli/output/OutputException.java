package dev.ublk4j.cli.output;

import java.io.IOException;

/** What a command has to say cannot be written. */
public final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean nobodyReads;

    OutputException(boolean nobodyReads, IOException cause) {
        this(nobodyReads, "cannot write to the standard output: " + cause.getMessage(), cause);
    }

    private OutputException(boolean nobodyReads, String text, Throwable cause) {
        super(text, cause);
        this.nobodyReads = nobodyReads;
    }

    /** {@return the same, of a command that has done what it could not tell of} */
    public OutputException after(String done) {
        return new OutputException(nobodyReads, getMessage() + "; " + done, this);
    }

    /** {@return whether the reader of a pipe has gone, who has what he wanted} */
    public boolean nobodyReads() {
        return nobodyReads;
    }
}
