package dev.ublk4j.cli.output;

import java.io.IOException;

/** What a command has to say cannot be written. */
public final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean nobodyReads;

    OutputException(boolean nobodyReads, IOException cause) {
        super("cannot write to the standard output: " + cause.getMessage(), cause);
        this.nobodyReads = nobodyReads;
    }

    /** {@return whether the reader of a pipe has gone, who has what he wanted} */
    public boolean nobodyReads() {
        return nobodyReads;
    }
}
