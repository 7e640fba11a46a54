package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs a check, a command of the shell, on one image after the other. What it has started ends with
 * its time, and with this process.
 */
final class CheckRuns implements AutoCloseable {
    private static final int NOT_EXECUTABLE = 126;
    private static final int NOT_FOUND = 127;
    private static final Duration END_PATIENCE = Duration.ofSeconds(10);

    private final String check;
    private final Duration timeout;
    private final Thread onEnd = new Thread(this::endAll, "check-end");
    private @Nullable Process running;
    private boolean isOver;

    CheckRuns(String check, Duration timeout) {
        this.check = check;
        this.timeout = timeout;
        Runtime.getRuntime().addShutdownHook(onEnd);
    }

    /**
     * {@return the status of the check, or null when it has not ended in time}
     *
     * @throws Failure when there is no such command, or this process ends
     */
    @Nullable Integer run(Path image) throws IOException {
        Process process = start(image);
        try {
            if (!process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
                end(process);
                return null;
            }
        } catch (InterruptedException e) {
            end(process);
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while a check runs", e);
        }
        requireTime();
        int status = process.exitValue();
        if (status == NOT_FOUND || status == NOT_EXECUTABLE) {
            throw new Failure("the check cannot be run: " + check);
        }
        return status;
    }

    private synchronized Process start(Path image) throws IOException {
        requireTime();
        Process process =
                new ProcessBuilder("/bin/sh", "-c", check + " \"$1\"", "sh", image.toString())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        running = process;
        return process;
    }

    /** A check that was ended with this process says nothing about its image. */
    private synchronized void requireTime() {
        if (isOver) {
            throw new Failure("interrupted while a check runs");
        }
    }

    /** Ends a check and what it has started. */
    private static void end(Process process) {
        List<ProcessHandle> all = process.descendants().toList();
        process.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
        try {
            boolean _ = process.waitFor(END_PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void endAll() {
        isOver = true;
        if (running != null) {
            end(running);
        }
    }

    @Override
    public void close() {
        try {
            boolean _ = Runtime.getRuntime().removeShutdownHook(onEnd);
        } catch (IllegalStateException e) {
            // The process ends already, and the check with it.
            System.getLogger(CheckRuns.class.getName())
                    .log(System.Logger.Level.DEBUG, "ends while the process does", e);
        }
    }
}
