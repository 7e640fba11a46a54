package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ublk4j list}. */
@Command(
        name = "list",
        aliases = "ls",
        description = "List ublk devices, those of other servers too.",
        footer = {
            "",
            "Ends with 1 where the kernel has no ublk driver loaded, and so no devices.",
            "",
            "STATE is live, dead (its server is gone), quiesced or fail_io. TARGET is known of"
                    + " devices that ublk4j serves."
        })
final class ListCommand implements Callable<Integer> {
    @Mixin private final OutputFlags output = new OutputFlags();

    @Parameters(arity = "0..*", paramLabel = "N", description = "Devices; all if none is given.")
    private List<Integer> numbers = new ArrayList<>();

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "The same as N.")
    private @Nullable Integer named;

    @Override
    public Integer call() throws IOException {
        List<DeviceRow> rows = rows();
        output.print(
                json -> {
                    json.writeStartArray();
                    rows.forEach(row -> row.write(json));
                    json.writeEndArray();
                },
                out -> {
                    Table table = new Table(DeviceRow.HEADINGS);
                    rows.forEach(row -> table.row(row.cells()));
                    table.print(out);
                });
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
        DriverModule.check();
        if (present.isEmpty() && numbers.isEmpty()) {
            return List.of();
        }
        List<DeviceRow> rows = new ArrayList<>();
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            RunFolders folders = RunFolders.ofUser();
            for (int number : numbers.isEmpty() ? present : numbers) {
                DeviceRow row = DeviceRow.readOrNull(control, folders, number, !numbers.isEmpty());
                if (row != null) {
                    rows.add(row);
                }
            }
        }
        return rows;
    }
}
