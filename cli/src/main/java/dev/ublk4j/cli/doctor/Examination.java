package dev.ublk4j.cli.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** All checks of this machine, in the order in which what they find matters. */
public final class Examination {
    private Examination() {}

    /** {@return what was found; the last findings rest on the first} */
    public static List<Finding> run() {
        Path root = Path.of("/");
        KernelIdentity kernel = KernelIdentity.running();
        List<Finding> findings = new ArrayList<>();
        findings.add(JavaCheck.version(Runtime.version()));
        findings.add(JavaCheck.architecture(System.getProperty("os.arch")));
        findings.add(KernelCheck.version(kernel.version()));
        findings.addAll(KernelCheck.known(kernel));
        DriverCheck driver = driver(root);
        findings.add(driver.loaded());
        driver.usable().ifPresent(findings::add);
        findings.add(RingCheck.usable(root));
        findings.add(MemoryCheck.locked(root));
        findings.add(MemoryCheck.hugePages(root));
        findings.addAll(
                VmCheck.all(
                        root,
                        System.getenv().getOrDefault("PATH", ""),
                        VmCheck.verdicts(System.getenv(), System.getProperty("user.home")),
                        System.getProperty("os.version")));
        return findings;
    }

    private static DriverCheck driver(Path root) {
        return new DriverCheck(root, System.getProperty("os.version"));
    }

    /** {@return whether the kernel's driver is not there, but lies ready to be loaded} */
    public static boolean isDriverLoadable() {
        return driver(Path.of("/")).isLoadable();
    }

    /** {@return what is to be said of the kernel's driver} */
    public static Finding ofDriver() {
        return driver(Path.of("/")).loaded();
    }

    /** {@return whether a device can be served here} */
    public static boolean passed(List<Finding> findings) {
        return findings.stream().noneMatch(finding -> finding.level() == Finding.Level.FAIL);
    }
}
