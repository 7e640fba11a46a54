package dev.ublk4j.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Whether {@code ublk4j vm} can boot a machine here, and how fast it will be. */
final class VmCheck {
    private static final String SUBJECT = "vm";
    private static final String QEMU = "qemu-system-x86_64";
    private static final Pattern COLON = Pattern.compile(":");

    private VmCheck() {}

    /**
     * Looks at this machine.
     *
     * @param root the root of its files
     * @param path where programs are
     * @param verdicts where vm/run keeps, for each kernel of a machine on each of this one, whether
     *     it came up
     * @param release of this machine's kernel
     */
    static List<Finding> all(Path root, String path, Path verdicts, String release) {
        boolean installed =
                COLON.splitAsStream(path)
                        .filter(folder -> !folder.isEmpty())
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, QEMU)));
        Finding qemu =
                installed
                        ? Finding.ok(SUBJECT, QEMU + " is installed")
                        : Finding.warn(
                                SUBJECT,
                                QEMU + " is not installed; 'ublk4j vm' installs it if you are root",
                                "apt-get install qemu-system-x86");
        return List.of(qemu, acceleration(root.resolve("dev/kvm"), verdicts, release));
    }

    /** {@return where vm/run keeps its verdicts} */
    static Path verdicts(Map<String, String> environment, String home) {
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        return (cache.isEmpty() ? Path.of(home, ".cache") : Path.of(cache))
                .resolve(Path.of("ublk4j", "vm", "accel"));
    }

    private static Finding acceleration(Path kvm, Path verdicts, String release) {
        if (!Files.exists(kvm)) {
            return Finding.warn(SUBJECT, "no KVM; QEMU emulates, about ten times slower", "");
        }
        if (!Files.isReadable(kvm) || !Files.isWritable(kvm)) {
            return Finding.warn(
                    SUBJECT, "no permission for /dev/kvm", "adduser $USER kvm, or run as root");
        }
        return switch (lastVerdict(verdicts, release)) {
            case "yes" -> Finding.ok(SUBJECT, "KVM works");
            case "no" ->
                    Finding.warn(
                            SUBJECT,
                            "KVM is present, but no virtual machine booted on it; QEMU emulates, about"
                                    + " ten times slower",
                            "ublk4j vm --update tries again");
            default -> Finding.ok(SUBJECT, "KVM is present; the first 'ublk4j vm' tries it");
        };
    }

    /** {@return yes, no, or nothing where it has not been tried on this kernel} */
    private static String lastVerdict(Path verdicts, String release) {
        if (!Files.isDirectory(verdicts)) {
            return "";
        }
        try (Stream<Path> files = Files.list(verdicts)) {
            return files.filter(file -> file.getFileName().toString().endsWith("-on-" + release))
                    .max(Comparator.comparingLong(file -> file.toFile().lastModified()))
                    .map(VmCheck::text)
                    .orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }
}
