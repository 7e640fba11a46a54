package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    private static final String LOG_PROPERTY = "ublk4j.server.log";

    /** A short command compiles no further than this; a server is worth more. */
    private static final String SHORT_COMMAND = "-XX:TieredStopAtLevel=1";

    private Background() {}

    /** {@return the log of this process where it is such a server, null elsewhere} */
    public static @Nullable Path ownLogOrNull() {
        String log = System.getProperty(LOG_PROPERTY);
        return log == null ? null : Path.of(log);
    }

    /**
     * Starts a server and waits for its report.
     *
     * @return what it serves, as JSON
     * @throws Failure when it could not serve, with its own reason
     */
    public static String start(RunFolder folder) throws IOException {
        Path log = newLog(folder);
        Process server =
                new ProcessBuilder(command(ownCommandLine(), log))
                        .redirectInput(Redirect.from(new File("/dev/null")))
                        .redirectError(Redirect.appendTo(log.toFile()))
                        .start();
        // Who gives up waiting does not want the device either.
        Thread giveUp = new Thread(server::destroy, "give-up");
        Runtime.getRuntime().addShutdownHook(giveUp);
        String report;
        try (BufferedReader reports = server.inputReader(StandardCharsets.UTF_8)) {
            report = reports.readLine();
        }
        if (report == null) {
            throw new Failure(died(server, log));
        }
        try {
            String served = Report.checked(report);
            Runtime.getRuntime().removeShutdownHook(giveUp);
            return served;
        } catch (Failure e) {
            awaitEnd(server);
            Files.deleteIfExists(log);
            throw e;
        }
    }

    private static Path newLog(RunFolder folder) {
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
        own.stream().skip(1).filter(word -> !word.equals(SHORT_COMMAND)).forEach(command::add);
        return command;
    }

    private static String died(Process server, Path log) throws IOException {
        int status = awaitEnd(server);
        // Whoever wrote there need not have written UTF-8.
        List<String> lines =
                new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
        String last = lines.isEmpty() ? "it printed nothing" : lines.getLast();
        Files.deleteIfExists(log);
        return "the server exited with status %d before the device was live: %s"
                .formatted(status, last);
    }

    private static int awaitEnd(Process server) {
        try {
            return server.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for the server to start", e);
        }
    }
}
