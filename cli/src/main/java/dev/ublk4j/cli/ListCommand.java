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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ublk4j list}. */
@Command(
        name = "list",
        aliases = "ls",
        description = "List ublk devices, also those of other servers.",
        footer = {
            "",
            "Without N: all devices. Exits with 1 if the ublk driver is not loaded.",
            "",
            "STATE is live, dead (stopped), quiesced or fail_io (both wait for 'ublk4j"
                    + " recover'). TARGET is known for devices that ublk4j serves."
        })
final class ListCommand implements Callable<Integer> {
    @Mixin private final OutputFlags output = new OutputFlags();

    @Mixin private final DeviceNumbers devices = new DeviceNumbers();

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
        List<Integer> numbers = devices.numbers();
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
