package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.System.Logger.Level;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The other process that serves when the command itself does not: this very command line once more,
 * with a property that tells it so, in a session of its own that a terminal's Ctrl-C does not
 * reach.
 *
 * <p>Its standard output is a pipe for its {@link Report}, its standard error its log.
 */
public final class Background {
    /** Starts a program in a session of its own. */
    static final String SETSID = "/usr/bin/setsid";

    /** What a virtual machine that has crashed begins each line with. */
    private static final String CRASH = "#";

    private static final String TERMINATED = "terminated before the server was ready";

    private static final String LOG_PROPERTY = "ublk4j.server.log";

    /** A short command compiles little, as the launcher has it; a server is worth more. */
    private static final Set<String> SHORT_COMMAND =
            Set.of("-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=50");

    private Background() {}

    /** {@return the log of this process where it is such a server, null elsewhere} */
    public static @Nullable Path ownLogOrNull() {
        String log = System.getProperty(LOG_PROPERTY);
        return log == null ? null : Path.of(log);
    }

    /**
     * Starts a server and waits for its report.
     *
     * @param mayTakeOver whether it may take over a device that is there already, which then
     *     survives that this process is told to end: it waits for a server, as before
     * @param onServed told what it serves, as JSON. Who ends this process until that is told ends
     *     the server, too
     * @throws Failure when it could not serve, with its own reason
     */
    public static void start(RunFolder folder, boolean mayTakeOver, Consumer<String> onServed)
            throws IOException {
        Starter starter = new Starter(folder, mayTakeOver);
        // Before there is a log or a server, so that neither is left behind without it.
        Thread giveUp = new Thread(starter::giveUp, "give-up");
        Runtime.getRuntime().addShutdownHook(giveUp);
        String served = starter.start();
        try {
            onServed.accept(served);
        } finally {
            keep(giveUp);
        }
    }

    /** Keeps the server, unless this process is ending and takes it along already. */
    private static void keep(Thread giveUp) {
        try {
            Runtime.getRuntime().removeShutdownHook(giveUp);
        } catch (IllegalStateException e) {
            System.getLogger(Background.class.getName())
                    .log(Level.DEBUG, "the server ends with this process", e);
        }
    }

    /**
     * One server from its start to its report. Whoever gives up waiting does not want it either.
     */
    private static final class Starter {
        private final RunFolder folder;
        private final boolean mayTakeOver;
        private @Nullable Path log;
        private @Nullable Process server;
        private boolean givenUp;

        Starter(RunFolder folder, boolean mayTakeOver) {
            this.folder = folder;
            this.mayTakeOver = mayTakeOver;
        }

        String start() throws IOException {
            Process started = begin();
            String report;
            try (BufferedReader reports = started.inputReader(StandardCharsets.UTF_8)) {
                report = reports.readLine();
                if (report != null && report.startsWith(CRASH)) {
                    report = Report.ofCrash(reports.lines());
                }
            }
            if (report == null) {
                throw new Failure(isGivenUp() ? TERMINATED : died(started));
            }
            try {
                return Report.checked(report);
            } catch (Failure e) {
                int _ = waitFor(started);
                deleteLog();
                throw e;
            }
        }

        private synchronized Process begin() throws IOException {
            if (givenUp) {
                throw new Failure(TERMINATED);
            }
            Path created = newLog(folder);
            log = created;
            Process started =
                    new ProcessBuilder(command(ownCommandLine(), created))
                            .redirectInput(Redirect.from(new File("/dev/null")))
                            .redirectError(Redirect.appendTo(created.toFile()))
                            .start();
            server = started;
            return started;
        }

        private synchronized boolean isGivenUp() {
            return givenUp;
        }

        /** Ends the server, and waits until it has taken down what it has begun. */
        void giveUp() {
            Process started;
            synchronized (this) {
                givenUp = true;
                started = server;
            }
            if (started != null && mayTakeOver) {
                // One that is live by now would stop and delete the device if it was asked to end.
                started.destroyForcibly();
            } else if (started != null) {
                started.destroy();
            }
            if (started != null) {
                started.onExit().join();
            }
            try {
                deleteLog();
            } catch (IOException e) {
                System.err.println("ublk4j: cannot delete a log: " + Explanation.of(e));
            }
        }

        /** {@return the log, null where there is none yet} */
        private synchronized @Nullable Path log() {
            return log;
        }

        /** Deletes the log, unless it has been named, as that of a server that was live. */
        private void deleteLog() throws IOException {
            Path unnamed = log();
            if (unnamed != null) {
                Files.deleteIfExists(unnamed);
            }
        }

        private String died(Process started) throws IOException {
            int status = waitFor(started);
            // Whoever wrote there need not have written UTF-8.
            Path written = log();
            byte[] bytes = written == null ? new byte[0] : Files.readAllBytes(written);
            List<String> lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
            String last = lines.isEmpty() ? "it printed nothing" : lines.getLast();
            deleteLog();
            return "the server exited with status %d before the device was live: %s"
                    .formatted(status, last);
        }

        private static int waitFor(Process started) {
            try {
                return started.waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while waiting for the server to start", e);
            }
        }
    }

    /**
     * {@return the log of a server that is about to start}
     *
     * @throws Failure when the folder cannot be written to
     */
    static Path newLog(RunFolder folder) {
        try {
            return folder.newLog();
        } catch (IOException e) {
            throw new Failure(
                    "cannot write to the state folder %s: %s; set %s to use another folder"
                            .formatted(folder, Explanation.of(e), RunFolder.VARIABLE),
                    e);
        }
    }

    private static List<String> ownCommandLine() throws IOException {
        // In the encoding in which the words are written when the process is started.
        Charset encoding = Charset.forName(System.getProperty("sun.jnu.encoding"));
        String line = new String(Files.readAllBytes(Path.of("/proc/self/cmdline")), encoding);
        List<String> words = new ArrayList<>(List.of(line.split("\0", -1)));
        words.removeLast();
        words.set(0, Path.of(System.getProperty("java.home"), "bin", "java").toString());
        return words;
    }

    /**
     * {@return the command line of a server}
     *
     * @param own this process's, from the path of java on
     */
    static List<String> command(List<String> own, Path log) {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(Path.of(SETSID))) {
            command.add(SETSID);
        }
        command.add(own.getFirst());
        command.add("-D" + LOG_PROPERTY + "=" + log);
        own.stream().skip(1).filter(word -> !SHORT_COMMAND.contains(word)).forEach(command::add);
        return command;
    }
}
