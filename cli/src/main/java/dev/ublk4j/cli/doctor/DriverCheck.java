package dev.ublk4j.cli.doctor;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.serve.ProcessUser;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Whether the kernel's ublk driver is there, and answers. */
final class DriverCheck {
    private static final String SUBJECT = "driver";
    private static final String MODULE = "ublk_drv";

    private final Path root;
    private final String release;

    /**
     * Checks the driver of a kernel.
     *
     * @param release its {@code uname -r}
     */
    DriverCheck(Path root, String release) {
        this.root = root;
        this.release = release;
    }

    private boolean hasNode() {
        return Files.exists(root.resolve("dev/ublk-control"));
    }

    /** {@return whether the module lies ready} */
    boolean isLoadable() {
        return !Files.exists(root.resolve("sys/module/" + MODULE)) && mentions("modules.dep");
    }

    Finding loaded() {
        if (hasNode()) {
            return Finding.ok(SUBJECT, MODULE + " is loaded");
        }
        if (Files.exists(root.resolve("sys/module/" + MODULE))) {
            return Finding.fail(
                    SUBJECT,
                    MODULE + " is loaded, but /dev/ublk-control does not exist",
                    "in a container: --device /dev/ublk-control");
        }
        if (mentions("modules.dep")) {
            return ProcessUser.isRoot()
                    ? Finding.warn(
                            SUBJECT,
                            MODULE + " is not loaded; 'ublk4j add' and 'ublk4j features' load it",
                            "modprobe " + MODULE)
                    : Finding.fail(SUBJECT, MODULE + " is not loaded", "sudo modprobe " + MODULE);
        }
        return Finding.fail(
                SUBJECT,
                "this kernel has no " + MODULE,
                "apt-get install linux-modules-extra-$(uname -r) on Ubuntu, dnf install"
                        + " kernel-modules-extra on Fedora and RHEL 10, or use: ublk4j vm");
    }

    private boolean mentions(String list) {
        Path file = root.resolve("lib/modules").resolve(release).resolve(list);
        try (Stream<String> lines = Files.lines(file)) {
            return lines.anyMatch(line -> line.contains("/" + MODULE + ".ko"));
        } catch (IOException e) {
            return false;
        }
    }

    /** {@return what the driver answers, where there is one} */
    Optional<Finding> usable() {
        if (!hasNode()) {
            return Optional.empty();
        }
        try (KernelDriver driver = KernelDriver.open()) {
            long bits = new Control(driver).featureBits();
            String text =
                    "%d of %d features; ublk4j features lists them"
                            .formatted(Feature.of(bits).size(), Feature.values().length);
            return Optional.of(
                    Feature.SHMEM_ZC.in(bits)
                            ? Finding.ok(SUBJECT, text)
                            : Finding.warn(
                                    SUBJECT,
                                    text + "; no zero copy over shared memory (SHMEM_ZC)",
                                    "boot Linux 7.1 or later"));
        } catch (MissingFeatureException e) {
            return Optional.of(
                    Finding.warn(
                            SUBJECT,
                            Explanation.of(e) + "; requests are copied",
                            "boot Linux 7.1 or later"));
        } catch (LinuxException e) {
            return Optional.of(Finding.fail(SUBJECT, Explanation.of(e), "run as root"));
        }
    }
}
