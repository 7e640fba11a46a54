package dev.ublk4j.cli.doctor;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether this process may use io_uring. */
final class RingCheck {
    private static final String SUBJECT = "io_uring";

    private static final String ENABLE =
            "sysctl kernel.io_uring_disabled=0, for good in /etc/sysctl.d";

    private RingCheck() {}

    static Finding usable(Path root) {
        try (Ring ring = Ring.open(RingOptions.defaults().withEntries(4).withSqe128(true))) {
            return Finding.ok(
                    SUBJECT, "usable, setup flags 0x" + Integer.toHexString(ring.setupFlags()));
        } catch (LinuxException e) {
            return Finding.fail(SUBJECT, Explanation.of(e), remedy(disabled(root)));
        }
    }

    /** {@return {@code kernel.io_uring_disabled}, 0 where there is no such setting} */
    static int disabled(Path root) {
        try {
            return Integer.parseInt(
                    Files.readString(root.resolve("proc/sys/kernel/io_uring_disabled")).strip());
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    static String remedy(int disabled) {
        return switch (disabled) {
            case 0 -> "in a container: allow io_uring in its seccomp profile";
            case 1 -> "run as root, or: " + ENABLE;
            // As RHEL 10 and its kin set it.
            default -> ENABLE;
        };
    }
}
