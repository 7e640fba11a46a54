package dev.ublk4j.guest;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.opentest4j.TestAbortedException;

/** What tests need of the host. */
final class GuestTools {
    private static final List<String> FOLDERS =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    private GuestTools() {}

    /** Skips the test where no guest boots, or a program is not installed. */
    static void require(List<String> programs) {
        assumeTrue(GuestLinux.isFetched(), "user-mode Linux has not been fetched: vm/fetch-uml");
        for (String program : programs) {
            boolean found =
                    FOLDERS.stream()
                            .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
            assumeTrue(found, program + " is not installed: vm/guest-tools");
        }
    }

    /** {@return the root with PostgreSQL in it} Skips the test where there is none. */
    static Path postgresql() {
        Path resolved = GuestKernel.cache().resolve("ublk4j/vm/resolved/postgresql");
        try {
            Path root = Path.of(Files.readString(resolved).strip());
            assumeTrue(Files.isDirectory(root), "there is no " + root);
            return root;
        } catch (IOException e) {
            throw new TestAbortedException(
                    "PostgreSQL has not been fetched: vm/fetch-postgresql", e);
        }
    }

    /** Runs the main method of a test class in a guest, on this JVM and class path. */
    static void java(GuestLinux linux, Class<?> main, Object... arguments)
            throws InterruptedException {
        List<String> words = new ArrayList<>();
        words.add(ProcessHandle.current().info().command().orElseThrow());
        words.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m", "-ea"));
        words.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp"));
        words.add("'" + System.getProperty("java.class.path") + "'");
        words.add(main.getName());
        for (Object each : arguments) {
            words.add(each.toString());
        }
        linux.run(String.join(" ", words), Duration.ofMinutes(5)).check();
    }
}
