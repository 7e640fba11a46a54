package dev.ublk4j.psk;

import java.io.IOException;
import java.nio.file.Path;

/** A file that does not hold keys. The message says which line, and never what is in a key. */
public final class KeyFileException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Path file;
    private final int line;

    KeyFileException(Path file, int line, String why) {
        super(line == 0 ? file + " " + why : "%s, line %d: %s".formatted(file, line, why));
        this.file = file;
        this.line = line;
    }

    /** {@return the file} */
    public Path file() {
        return file;
    }

    /** {@return which line, from 1, or 0 for the file as a whole} */
    public int line() {
        return line;
    }
}
