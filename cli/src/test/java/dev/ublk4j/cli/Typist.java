package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who types one command after another, in a folder and a home of his own, and leaves a
 * server running until he starts another. What a page keeps in {@code /tmp} is kept in the folder.
 */
final class Typist implements AutoCloseable {
    private static final int MINUTES = 5;
    private static final int PAUSE_MILLIS = 20;

    private final Path folder;
    private @Nullable Process server;
    private int typed;

    Typist(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectory(folder.resolve("home"));
        String words =
                Program.words().stream()
                        .map(word -> "'" + word + "'")
                        .collect(Collectors.joining(" "));
        Path command = folder.resolve("ublk4j");
        Files.writeString(command, "#!/bin/sh\nexec " + words + " \"$@\"\n");
        Files.setPosixFilePermissions(command, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Runs a command, which has to succeed. */
    void run(String line) throws Exception {
        Process process = start(line);
        assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).as("ends: %s", line).isTrue();
        assertThat(process.exitValue()).as("%s%n%s", line, said()).isZero();
    }

    /** Starts a command that serves, and waits until it says where. */
    void serve(String line) throws Exception {
        endServer();
        Process started = start(line);
        server = started;
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES);
        while (Files.size(folder.resolve("out" + typed)) == 0) {
            assertThat(started.isAlive()).as("%s%n%s", line, said()).isTrue();
            assertThat(System.nanoTime()).as("serves: %s", line).isLessThan(deadline);
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /** {@return whether a server is running, which it is not where its port was somebody else's} */
    boolean isServing() {
        return server != null;
    }

    private Process start(String line) throws IOException {
        typed++;
        ProcessBuilder builder =
                new ProcessBuilder("bash", "-c", prefix(line) + here(line))
                        .directory(folder.toFile())
                        .redirectOutput(folder.resolve("out" + typed).toFile())
                        .redirectError(folder.resolve("err" + typed).toFile());
        builder.environment().put("HOME", folder.resolve("home").toString());
        builder.environment().put("PATH", folder + ":" + System.getenv("PATH"));
        builder.environment().put("UBLK4J_RUN", folder.resolve("run").toString());
        return builder.start();
    }

    /** A simple command takes the shell's place, so that it is what gets signals. */
    private static String prefix(String line) {
        return Words.of(line).getFirst().endsWith("ublk4j") && !line.contains("|") ? "exec " : "";
    }

    private String here(String line) {
        return line.replace("/tmp/", folder + "/");
    }

    private String said() throws IOException {
        return new String(
                Files.readAllBytes(folder.resolve("err" + typed)), StandardCharsets.UTF_8);
    }

    private void endServer() {
        Process running = server;
        if (running != null) {
            running.destroy();
            assertThat(running.onExit().orTimeout(MINUTES, TimeUnit.MINUTES).join().exitValue())
                    .as("how the server ends")
                    .isZero();
            server = null;
        }
    }

    @Override
    public void close() {
        endServer();
    }
}
