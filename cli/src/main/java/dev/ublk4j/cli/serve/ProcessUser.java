package dev.ublk4j.cli.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The user whom this process runs as. */
public final class ProcessUser {
    private ProcessUser() {}

    /** {@return whether it is root} */
    public static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            return false;
        }
    }
}
