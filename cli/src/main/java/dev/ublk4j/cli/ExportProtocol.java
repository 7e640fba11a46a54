package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.OutputException;
import dev.ublk4j.cli.serve.Background;
import dev.ublk4j.cli.serve.ExportServer;
import dev.ublk4j.cli.serve.Front;
import dev.ublk4j.cli.serve.Plan;
import dev.ublk4j.cli.serve.Report;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** What every {@code export} does, whatever the protocol is. */
abstract class ExportProtocol extends TargetHost implements Runnable {
    private static final int MOST_USUAL_QUEUES = 16;
    private static final int LONGEST_POLL_MICROS = 1_000_000;
    private static final int MICROSECOND = 1000;

    @Option(
            names = {"-q", "--queues"},
            paramLabel = "COUNT",
            scope = ScopeType.INHERIT,
            description =
                    "Number of queues; each has its own thread. Default: one per processor, at"
                            + " most "
                            + MOST_USUAL_QUEUES
                            + ".")
    private int queues = Math.min(Runtime.getRuntime().availableProcessors(), MOST_USUAL_QUEUES);

    @Mixin private final QueueFlags flags = new QueueFlags();

    @Option(
            names = "--poll-us",
            paramLabel = "MICROSECONDS",
            defaultValue = "50",
            description =
                    "How long a queue polls for requests, at most, before it sleeps. Default:"
                            + " ${DEFAULT-VALUE}.")
    private int pollMicros;

    @Option(
            names = "--detach",
            scope = ScopeType.INHERIT,
            description = "Serve from a background process, until SIGTERM.")
    private boolean detach;

    @Option(
            names = "--json",
            scope = ScopeType.INHERIT,
            description = "Print what is exported as JSON, on one line.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    /** Those that have been asked for so far, in the order of the command line. */
    private final List<TargetKind> kinds = new ArrayList<>();

    /**
     * Finds what is wrong with the options of the protocol, before anything is opened.
     *
     * @param targets how many are to be exported
     * @throws IllegalArgumentException when something is
     */
    abstract void check(int targets);

    /** {@return whether a disk of the protocol can have any number of bytes} */
    boolean countsBytes() {
        return false;
    }

    /** {@return the front, which has no devices yet} */
    abstract Front front();

    @Override
    public final void run() {
        throw new ParameterException(
                spec.commandLine(), "no target given; one of: " + Subcommands.names(spec));
    }

    @Override
    final int serve(TargetKind kind) throws IOException {
        kinds.add(kind);
        if (countsBytes()) {
            kind.takeAnySize();
        }
        // Each target of the command line comes by; all are served by the last.
        if (kinds.size() < spec.commandLine().getParseResult().subcommands().size()) {
            return 0;
        }
        List<Plan> plans = new ArrayList<>();
        for (TargetKind each : kinds) {
            DeviceOptions options =
                    each.checked(() -> {
                        each.requireNoIntegrity();
                        return flags.options(-1, queues).with(Feature.SHMEM_ZC).withBestMode();
                    });
            plans.add(
                    new Plan(
                            each.name(),
                            each.source(),
                            each.composition(),
                            options,
                            each::openShaped,
                            each::deleteMade));
        }
        kind.checked(() -> {
            checkPoll();
            check(plans.size());
            return plans;
        });
        PrintWriter out = spec.commandLine().getOut();
        Path log = Background.ownLogOrNull();
        if (log != null) {
            report(plans, log, out);
        } else if (detach) {
            Background.start(RunFolder.ofUser(), false, served -> tell(served, out));
        } else {
            ExportServer.serve(
                    spec.name(),
                    RunFolder.ofUser(),
                    plans,
                    this::front,
                    server -> print(json ? List.of(server.json()) : server.addresses(), out));
        }
        return 0;
    }

    /**
     * Insists on serving by this process itself, which alone has what was passed to it.
     *
     * @throws IllegalArgumentException when a background process is asked for
     */
    final void requireForeground(String option) {
        if (detach) {
            throw new IllegalArgumentException(
                    "--detach excludes sockets that were passed to this process (%s)"
                            .formatted(option));
        }
    }

    private void checkPoll() {
        if (pollMicros < 0 || pollMicros > LONGEST_POLL_MICROS) {
            throw new IllegalArgumentException(
                    "--poll-us is not between 0 and %d: %d"
                            .formatted(LONGEST_POLL_MICROS, pollMicros));
        }
    }

    /** {@return how long a queue looks for requests, at most, before it sleeps} */
    final Duration longestPoll() {
        return Duration.ofNanos((long) pollMicros * MICROSECOND);
    }

    private void report(List<Plan> plans, Path log, PrintWriter out) {
        try {
            ExportServer.serve(
                    spec.name(),
                    RunFolder.ofUser(),
                    plans,
                    this::front,
                    server -> {
                        nameLog(log);
                        print(List.of(server.json()), out);
                    });
        } catch (Throwable e) {
            print(List.of(Report.failed(Explanation.of(e))), out);
            throw e;
        }
    }

    private void nameLog(Path log) {
        try {
            RunFolder.ofUser().nameLog(log, spec.name() + "-" + ProcessHandle.current().pid());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void tell(String served, PrintWriter out) {
        List<String> addresses = ExportServer.addresses(served);
        try {
            print(json ? List.of(served) : addresses, out);
        } catch (OutputException e) {
            throw e.after("it is served all the same: " + String.join(" ", addresses));
        }
    }

    private static void print(List<String> lines, PrintWriter out) {
        lines.forEach(out::println);
        out.flush();
    }
}
