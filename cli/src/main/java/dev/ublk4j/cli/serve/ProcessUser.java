package dev.ublk4j.cli.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The user whom this process runs as. */
public final class ProcessUser {
    private ProcessUser() {}

    /** {@return whether it is root} */
    public static boolean isRoot() {
        return uid() == 0;
    }

    /** {@return the number of this user, negative where it cannot be told} */
    static int uid() {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            return -1;
        }
    }
}
