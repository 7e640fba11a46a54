package dev.ublk4j.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which kernel this is, as it says itself.
 *
 * @param release {@code uname -r}
 * @param banner the line of {@code /proc/version}, which names who built it; empty where there is
 *     none
 */
public record KernelIdentity(String release, String banner) {
    /** {@return the running kernel} */
    public static KernelIdentity running() {
        return of(Path.of("/"), System.getProperty("os.version"));
    }

    static KernelIdentity of(Path root, String release) {
        try {
            return new KernelIdentity(
                    release, Files.readString(root.resolve("proc/version")).strip());
        } catch (IOException e) {
            return new KernelIdentity(release, "");
        }
    }

    KernelVersion version() {
        return KernelVersion.parse(release);
    }
}
