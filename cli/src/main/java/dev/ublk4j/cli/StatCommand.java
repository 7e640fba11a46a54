package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.DeviceControl;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.RunFolders;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j stat}. */
@Command(
        name = "stat",
        description = "Tell what servers have done with their devices.",
        footer = {
            "",
            "Counts begin with the server: one that took a device over has begun anew. Data is"
                    + " shared when it lies in memory that the application shares with the device,"
                    + " and copied otherwise; the kernel does not tell why it was not shared."
                    + " Latency is the time that requests were with the server, and sampled."
        })
final class StatCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..*",
            paramLabel = "N",
            description = "Devices; all that ublk4j serves if none is given.")
    private List<Integer> numbers = new ArrayList<>();

    @Mixin private final OutputFlags output = new OutputFlags();

    @Option(
            names = {"-w", "--watch"},
            paramLabel = "SECONDS",
            description =
                    "Go on, and print what has been done in each interval; as JSON, a line each.")
    private @Nullable Double watch;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private final RunFolders folders = RunFolders.ofUser();

    @Override
    public Integer call() throws InterruptedException {
        Duration interval = watch == null ? null : interval(watch);
        DriverModule.check();
        if (interval == null) {
            List<DeviceStat> stats = new ArrayList<>();
            int status = collect(stats);
            output.print(json -> write(stats, json), out -> print(stats, out));
            return status;
        }
        StatTable table = new StatTable(interval);
        int status = 0;
        while (status == 0) {
            List<DeviceStat> stats = new ArrayList<>();
            status = collect(stats);
            output.print(json -> write(stats, json), out -> table.print(stats, out));
            if (status == 0) {
                Thread.sleep(interval);
            }
        }
        return status;
    }

    private Duration interval(double seconds) {
        if (!(seconds >= 0.01 && seconds <= 86_400)) {
            throw new ParameterException(
                    spec.commandLine(), "--watch takes 0.01 to 86400 seconds: " + seconds);
        }
        return Duration.ofMillis(Math.round(seconds * 1000));
    }

    /** Asks the servers; answers {@link Main#FAILED} when one has not answered, and says why. */
    private int collect(List<DeviceStat> stats) {
        int status = 0;
        for (int number : numbers.isEmpty() ? folders.served() : numbers) {
            try {
                stats.add(DeviceControl.stat(folders.of(number), number));
            } catch (Failure e) {
                output.err().println("ublk4j: " + Explanation.of(e));
                status = Main.FAILED;
            }
        }
        return status;
    }

    private static void print(List<DeviceStat> stats, PrintWriter out) {
        stats.forEach(stat -> StatText.print(stat, out));
    }

    private static void write(List<DeviceStat> stats, JsonGenerator json) {
        json.writeStartArray();
        stats.forEach(stat -> stat.write(json));
        json.writeEndArray();
    }
}
