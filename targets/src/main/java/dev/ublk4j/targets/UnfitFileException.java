package dev.ublk4j.targets;

import java.nio.file.Path;

/** A file that cannot hold a device. */
public final class UnfitFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the file
     * @param why goes on with a sentence that the path began
     */
    public UnfitFileException(Path path, String why) {
        super(path + " " + why);
    }
}
