package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedExport;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ublk4j list}. */
@Command(
        name = "list",
        aliases = "ls",
        description = "List ublk devices, also those of other servers, and exports of ublk4j.",
        footer = {
            "",
            "Without N: all that this user may see. Exits with 1 if the ublk driver is not loaded and"
                    + " there is no export.",
            "",
            "ID is the number of a device, or that of an export with the letter e before it;"
                    + " DEVICE is where its clients find it. STATE is live, degraded (live, and a leg of a mirror is not in step), dead (stopped), quiesced or fail_io (both wait for 'ublk4j"
                    + " recover'). MODE is who brings the data of requests, see 'ublk4j add --help'."
                    + " TARGET is known for devices that ublk4j serves."
        })
final class ListCommand implements Callable<Integer> {
    @Mixin private final OutputFlags output = new OutputFlags();

    @Mixin private final ServedNames served = new ServedNames();

    @Override
    public Integer call() throws IOException {
        List<ListRow> rows = rows();
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

    private List<ListRow> rows() throws IOException {
        RunFolders folders = RunFolders.ofUser();
        List<ServedName> names = served.names();
        SortedSet<Integer> present = Devices.all();
        if (names.isEmpty()) {
            RunFolder.ofUser().clean(present);
        }
        List<ListRow> exports = exports(folders, names);
        List<Integer> numbers =
                names.stream().filter(name -> !name.isExport()).map(ServedName::number).toList();
        List<ListRow> rows = new ArrayList<>();
        if (exports.isEmpty() || DriverModule.isLoaded() || !numbers.isEmpty()) {
            rows.addAll(devices(folders, names.isEmpty() ? present : numbers, !names.isEmpty()));
        }
        rows.addAll(exports);
        return rows;
    }

    private static List<ListRow> exports(RunFolders folders, List<ServedName> names) {
        List<ServedExport> all = folders.exports();
        Set<ServedName> missing = new LinkedHashSet<>(names);
        all.forEach(export -> missing.remove(export.name()));
        missing.stream()
                .filter(ServedName::isExport)
                .findFirst()
                .ifPresent(name -> {
                    throw new Failure("there is no %s".formatted(name.text()));
                });
        return all.stream()
                .filter(export -> names.isEmpty() || names.contains(export.name()))
                .<ListRow>map(export ->
                        new ExportRow(
                                export, folders.isDegraded(export.name(), export.composition())))
                .toList();
    }

    private static List<ListRow> devices(
            RunFolders folders, Collection<Integer> numbers, boolean required) {
        DriverModule.check();
        List<ListRow> rows = new ArrayList<>();
        if (numbers.isEmpty()) {
            return rows;
        }
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            for (int number : numbers) {
                DeviceRow row = DeviceRow.readOrNull(control, folders, number, required);
                if (row != null) {
                    rows.add(row);
                }
            }
        }
        return rows;
    }
}
