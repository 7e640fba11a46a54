package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Json;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.driver.Control;
import dev.ublk4j.kernel.KernelDriver;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j list}. */
@Command(
        name = "list",
        aliases = "ls",
        description = "List ublk devices, those of other servers too.",
        footer = {
            "",
            "STATE is live, dead (its server is gone), quiesced or fail_io. TARGET is known of"
                    + " devices that ublk4j serves."
        })
final class ListCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print a JSON array.")
    private boolean json;

    @Parameters(arity = "0..*", paramLabel = "N", description = "Devices; all if none is given.")
    private List<Integer> numbers = new ArrayList<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "The same as N.")
    private @Nullable Integer named;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        List<DeviceRow> rows = rows();
        if (json) {
            out.println(
                    Json.text(generator -> {
                        generator.writeStartArray();
                        rows.forEach(row -> row.write(generator));
                        generator.writeEndArray();
                    }));
        } else {
            Table table = new Table(DeviceRow.HEADINGS);
            rows.forEach(row -> table.row(row.cells()));
            table.print(out);
        }
        out.flush();
        return 0;
    }

    private List<DeviceRow> rows() throws IOException {
        if (named != null) {
            numbers.add(named);
        }
        SortedSet<Integer> present = Devices.all();
        if (numbers.isEmpty()) {
            RunFolder.ofUser().clean(present);
        }
        if (present.isEmpty() && numbers.isEmpty()) {
            return List.of();
        }
        DriverModule.check();
        List<DeviceRow> rows = new ArrayList<>();
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            RunFolder folder = RunFolder.ofUser();
            for (int number : numbers.isEmpty() ? present : numbers) {
                DeviceRow row = DeviceRow.readOrNull(control, folder, number, !numbers.isEmpty());
                if (row != null) {
                    rows.add(row);
                }
            }
        }
        return rows;
    }
}
