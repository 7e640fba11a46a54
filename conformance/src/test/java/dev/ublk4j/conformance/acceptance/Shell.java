package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Runs programs. */
final class Shell {
    private static final int PATIENCE_SECONDS = 100;

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
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new AssertionError(
                            "still running: " + script + "\n" + Files.readString(output));
                }
                return new Outcome(
                        process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
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
