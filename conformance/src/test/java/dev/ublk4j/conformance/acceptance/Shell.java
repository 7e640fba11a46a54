package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Runs programs. */
final class Shell {
    private Shell() {}

    /**
     * How a program ended.
     *
     * @param status its exit status
     * @param output what it printed, errors included
     */
    record Outcome(int status, String output) {}

    /** {@return what a script printed, which must succeed} */
    static String run(String script) {
        Outcome outcome = tryRun(script);
        assertThat(outcome.status).as("%s: %s", script, outcome.output).isZero();
        return outcome.output;
    }

    /** {@return how a script ended} */
    static Outcome tryRun(String script) {
        try {
            Path output = Files.createTempFile("shell", ".txt");
            try {
                Process process = start(script, output);
                waitFor(process, script, output);
                return new Outcome(
                        process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until the test's own time limit interrupts it: how long is healthy, who can say. */
    private static void waitFor(Process process, String script, Path output) throws IOException {
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new AssertionError(
                    "still running: " + script + "\n" + Files.readString(output), e);
        }
    }

    /** Starts a script that goes on by itself. */
    static Process start(String script, Path output) throws IOException {
        return new ProcessBuilder("bash", "-c", "export PATH=$PATH:/usr/sbin:/sbin; " + script)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }
}
