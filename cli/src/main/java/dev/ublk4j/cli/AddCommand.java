package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.serve.Background;
import dev.ublk4j.cli.serve.Foreground;
import dev.ublk4j.cli.serve.Plan;
import dev.ublk4j.cli.serve.Report;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.server.DeviceOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code ublk4j add}: a sub-command for each kind of target. */
@Command(
        name = "add",
        description = "Add a block device and serve it.",
        synopsisSubcommandLabel = "TARGET",
        commandListHeading = "%nTargets:%n",
        footer = {
            "",
            "The device is served by a process in the background, which 'ublk4j del' or SIGTERM"
                    + " ends.",
            "",
            "Examples:",
            "  ublk4j add file disk.img",
            "  ublk4j add memory --size 1G -n 5",
            "  ublk4j add null --queues 2 --foreground"
        },
        subcommands = {NullKind.class, MemoryKind.class, FileKind.class, ClassKind.class})
final class AddCommand implements Runnable, TargetHost {
    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            scope = ScopeType.INHERIT,
            description = "The device's number, N of /dev/ublkbN. Default: the lowest free one.")
    private int number = -1;

    @Mixin private final QueueFlags queues = new QueueFlags();

    @Option(
            names = "--foreground",
            scope = ScopeType.INHERIT,
            description = "Serve here, until Ctrl-C, SIGTERM or 'ublk4j del'.")
    private boolean foreground;

    @Option(names = "--json", scope = ScopeType.INHERIT, description = "Print the device as JSON.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "add what? One of: " + Subcommands.names(spec));
    }

    @Override
    public int serve(TargetKind kind) throws IOException {
        DeviceOptions options = kind.checked(() -> queues.options(number));
        Plan plan = new Plan(kind.name(), kind.source(), options, kind::openShaped);
        Path log = Background.ownLogOrNull();
        PrintWriter out = spec.commandLine().getOut();
        if (log != null) {
            report(plan, log, out);
            return 0;
        }
        DriverModule.load(spec.commandLine().getErr());
        RunFolder folder = RunFolder.ofUser();
        if (foreground) {
            Foreground.serve(plan, folder, null, device -> print(device, out));
        } else {
            print(ServedDevice.parse(Background.start(folder)), out);
        }
        return 0;
    }

    private static void report(Plan plan, Path log, PrintWriter out) {
        try {
            Foreground.serve(
                    plan,
                    RunFolder.ofUser(),
                    log,
                    device -> {
                        out.println(device.json());
                        out.flush();
                    });
        } catch (RuntimeException e) {
            out.println(Report.failed(Explanation.of(e)));
            out.flush();
            throw e;
        }
    }

    private void print(ServedDevice device, PrintWriter out) {
        out.println(json ? device.json() : device.path());
        out.flush();
    }
}
