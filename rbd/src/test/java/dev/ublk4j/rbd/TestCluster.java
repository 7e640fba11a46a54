package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;

/**
 * The cluster of this module's tests, started by {@code scripts/ceph-cluster} when the first of
 * them needs it. It ends with this process, which holds its standard input.
 */
final class TestCluster {
    private static final int NOT_INSTALLABLE = 125;
    private static final Path SCRIPT = Path.of("../scripts/ceph-cluster").toAbsolutePath();
    private static final Duration LONG = Duration.ofMinutes(3);
    private static final AtomicInteger IMAGES = new AtomicInteger();

    private static @Nullable TestCluster started;
    private static @Nullable String impossible;

    private final Path folder;

    /** What stands before each command, such as what runs it in another network. */
    private final List<String> prefix;

    private TestCluster(Path folder, List<String> prefix) {
        this.folder = folder;
        this.prefix = prefix;
    }

    /** {@return the cluster} A test is skipped where Ceph is not installed and cannot be. */
    static synchronized TestCluster get() {
        if (started == null && impossible == null) {
            started = start(List.of(), List.of());
        }
        assumeTrue(impossible == null, impossible);
        assertThat(started).as("the cluster").isNotNull();
        return started;
    }

    /** {@return another cluster, which can be cut off from its clients} */
    static synchronized TestCluster startIn(TwoNetworks networks) {
        TestCluster there =
                impossible == null
                        ? start(networks.besideCluster(), List.of("--address", TwoNetworks.CLUSTER))
                        : null;
        assumeTrue(there != null, impossible);
        return there;
    }

    private static @Nullable TestCluster start(List<String> prefix, List<String> options) {
        try {
            Path folder = Files.createTempDirectory("ublk4j-ceph");
            List<String> command = new ArrayList<>(prefix);
            command.addAll(List.of(SCRIPT.toString(), "run"));
            command.addAll(options);
            command.add(folder.resolve("c").toString());
            Process process =
                    new ProcessBuilder(command)
                            .redirectError(folder.resolve("script.log").toFile())
                            .start();
            BufferedReader output =
                    new BufferedReader(new InputStreamReader(process.getInputStream()));
            String ready = output.readLine();
            if (ready == null) {
                String log = Files.readString(folder.resolve("script.log"));
                Assertions.assertEquals(NOT_INSTALLABLE, process.waitFor(), log);
                impossible = "Ceph is not installed: " + log.strip();
                return null;
            }
            Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(process, folder)));
            return new TestCluster(folder.resolve("c"), prefix);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void remove(Process process, Path folder) {
        try {
            process.getOutputStream().close();
            process.waitFor(30, TimeUnit.SECONDS);
            new ProcessBuilder("rm", "-rf", folder.toString()).start().waitFor();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    Path configuration() {
        return folder.resolve("ceph.conf");
    }

    RbdOptions options() {
        return RbdOptions.defaults().withConfiguration(configuration());
    }

    /** {@return the name of a new image} */
    RbdImageName image(String size, String... more) {
        String name = "rbd/image" + IMAGES.incrementAndGet();
        List<String> words = new ArrayList<>(List.of("create", "--size", size, name));
        words.addAll(List.of(more));
        rbd(words.toArray(String[]::new));
        return RbdImageName.parse(name);
    }

    RbdTarget open(RbdImageName name) {
        return RbdTarget.open(name, options());
    }

    /** {@return what Ceph's program says} */
    String rbd(String... words) {
        return run("rbd", words);
    }

    String rados(String... words) {
        return run("rados", words);
    }

    String ceph(String... words) {
        return run("ceph", words);
    }

    private String run(String program, String... words) {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(program, "-c", configuration().toString()));
        command.addAll(List.of(words));
        return output(command);
    }

    /** Adds a user, whose key comes into the keyring of the configuration. */
    void addUser(String name, String... capabilities) {
        List<String> words = new ArrayList<>(List.of("auth", "get-or-create", "client." + name));
        words.addAll(List.of(capabilities));
        try {
            Files.writeString(
                    folder.resolve("keyring"),
                    ceph(words.toArray(String[]::new)),
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops or starts an OSD: {@code osd-stop}, {@code osd-kill}, {@code osd-start}. */
    void osd(String what, int number) {
        String _ =
                output(
                        List.of(
                                SCRIPT.toString(),
                                what,
                                Integer.toString(number),
                                folder.toString()));
    }

    /** Stops all daemons where they are: to a client it is as if its network were cut. */
    void freeze() {
        signal("STOP");
    }

    /** Lets them go on. */
    void thaw() {
        signal("CONT");
    }

    private void signal(String signal) {
        String status = output(List.of(SCRIPT.toString(), "status", folder.toString()));
        List<String> command = new ArrayList<>(List.of("kill", "-" + signal));
        for (String line : status.lines().toList()) {
            command.add(line.substring(line.lastIndexOf(' ') + 1));
        }
        String _ = output(command);
    }

    static String output(List<String> command) {
        try {
            Path log = Files.createTempFile("ublk4j-ceph", ".out");
            try {
                Process process =
                        new ProcessBuilder(command)
                                .redirectErrorStream(true)
                                .redirectOutput(log.toFile())
                                .start();
                boolean ended = process.waitFor(LONG.toSeconds(), TimeUnit.SECONDS);
                String output = Files.readString(log);
                assertThat(ended && process.exitValue() == 0)
                        .as("%s: %s", String.join(" ", command), output)
                        .isTrue();
                return output;
            } finally {
                Files.delete(log);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
