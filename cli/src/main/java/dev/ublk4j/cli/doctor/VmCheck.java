package dev.ublk4j.cli.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** Whether {@code ublk4j vm} can boot a machine here, and how fast it will be. */
final class VmCheck {
    private static final String SUBJECT = "vm";
    private static final String QEMU = "qemu-system-x86_64";
    private static final Pattern COLON = Pattern.compile(":");

    private VmCheck() {}

    static List<Finding> all(Path root, String path) {
        boolean installed =
                COLON.splitAsStream(path)
                        .filter(folder -> !folder.isEmpty())
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, QEMU)));
        Finding qemu =
                installed
                        ? Finding.ok(SUBJECT, QEMU + " is installed")
                        : Finding.warn(
                                SUBJECT,
                                QEMU + " is not installed; ublk4j vm does that as root",
                                "apt-get install qemu-system-x86");
        return List.of(qemu, acceleration(root.resolve("dev/kvm")));
    }

    private static Finding acceleration(Path kvm) {
        if (!Files.exists(kvm)) {
            return Finding.warn(
                    SUBJECT, "no KVM; a machine is emulated, some ten times slower", "");
        }
        return Files.isReadable(kvm) && Files.isWritable(kvm)
                ? Finding.ok(SUBJECT, "KVM may be used")
                : Finding.warn(
                        SUBJECT, "no permission for /dev/kvm", "adduser $USER kvm, or run as root");
    }
}
