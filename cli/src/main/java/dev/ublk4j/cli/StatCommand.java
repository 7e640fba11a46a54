package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.DeviceStat;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
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
import picocli.CommandLine.Spec;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j stat}. */
@Command(
        name = "stat",
        description =
                "Print statistics of devices and exports: requests, bytes copied and shared, latency.",
        footer = {
            "",
            "Without N: all devices and exports that ublk4j serves. Counts start with the server, so they start again after a recovery. Data is"
                    + " shared if it lies in memory that the application shares with the device,"
                    + " and copied otherwise; the kernel does not report why. Memory that was adopted is listed with what would"
                    + " help where requests are copied all the same. Latency is the time"
                    + " from the arrival of a request at the server to its completion, of a sample"
                    + " of requests."
        })
final class StatCommand implements Callable<Integer> {
    @Mixin private final ServedNames served = new ServedNames();

    @Mixin private final OutputFlags output = new OutputFlags();

    @Option(
            names = {"-w", "--watch"},
            paramLabel = "SECONDS",
            description =
                    "Repeat: print the rates of each interval. With --json, one line per interval.")
    private @Nullable Double watch;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private final RunFolders folders = RunFolders.ofUser();

    @Override
    public Integer call() throws InterruptedException {
        Duration interval = watch == null ? null : interval(watch);
        List<ServedName> names = names();
        if (names.isEmpty()) {
            DriverModule.check();
        }
        names.forEach(DriverModule::checkFor);
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

    /** {@return what is asked about: where nothing is named, all that there is now} */
    private List<ServedName> names() {
        List<ServedName> names = new ArrayList<>(served.names());
        if (names.isEmpty()) {
            if (DriverModule.isLoaded()) {
                folders.served().forEach(number -> names.add(ServedName.device(number)));
            }
            folders.exports().forEach(export -> names.add(export.name()));
        }
        return names;
    }

    /** Asks the servers; answers {@link Main#FAILED} when one has not answered, and says why. */
    private int collect(List<DeviceStat> stats) {
        int status = 0;
        for (ServedName name : names()) {
            try {
                stats.add(folders.client(name).stat());
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
