package dev.ublk4j.cli.doctor;

import java.util.Set;

/** Whether the JVM is one that ublk4j runs on. */
final class JavaCheck {
    private static final int WANTED = 25;

    private static final Set<String> ARCHITECTURES = Set.of("amd64", "aarch64");

    private JavaCheck() {}

    static Finding version(Runtime.Version version) {
        String text = version + ", " + System.getProperty("java.home");
        return version.feature() >= WANTED
                ? Finding.ok("java", text)
                : Finding.fail("java", text, "apt-get install openjdk-" + WANTED + "-jdk-headless");
    }

    static Finding architecture(String architecture) {
        return ARCHITECTURES.contains(architecture)
                ? Finding.ok("architecture", architecture)
                : Finding.fail(
                        "architecture",
                        architecture + ", which ublk4j does not support",
                        "use x86-64 or arm64");
    }
}
