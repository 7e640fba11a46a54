package dev.ublk4j.cli;

import dev.ublk4j.cli.demo.Demo;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.driver.Driver;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j demo}. */
@Command(
        name = "demo",
        description = {
            "Serve a file, write random data to it and read it back, with and without" + " copies.",
            "",
            "Uses the kernel's driver if it is loaded or can be loaded, otherwise the"
                    + " embedded driver, which needs neither ublk nor root."
        },
        subcommands = PageCacheCommand.class)
final class DemoCommand implements Callable<Integer> {
    @Option(
            names = "--driver",
            defaultValue = "auto",
            converter = DriverChoice.Reader.class,
            description = "${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
    private DriverChoice driver = DriverChoice.AUTO;

    @Option(
            names = "--size",
            defaultValue = "64M",
            converter = ByteSize.class,
            description = "Size of the device, a multiple of 4M; default: ${DEFAULT-VALUE}.")
    private long size;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        try (Driver chosen = driver.open(output.err())) {
            List<Demo.Row> rows = new Demo(chosen, size).run();
            output.print(
                    json -> write(json, chosen.name(), rows),
                    out -> print(chosen.name(), rows, out));
        }
        return 0;
    }

    private static void print(String driver, List<Demo.Row> rows, PrintWriter out) {
        Table table = new Table("", "MB/s", "HITS", "MISSES", "COPIED", "WHY");
        for (Demo.Row row : rows) {
            table.row(
                    row.name(),
                    String.format(Locale.ROOT, "%.0f", row.bytesPerSecond() / 1e6),
                    Long.toString(row.hits()),
                    Long.toString(row.copies()),
                    (row.copiedBytes() >> 20) + " MiB",
                    why(row));
        }
        table.print(out);
        out.printf(
                "%d MiB each way, every byte verified; driver: %s%n",
                rows.getFirst().bytes() >> 20, driver);
    }

    private static String why(Demo.Row row) {
        if (row.copies() == 0) {
            return "";
        }
        return row.misses().isEmpty()
                ? "not reported by the driver"
                : row.misses().entrySet().stream()
                        .map(miss -> miss.getKey() + ": " + miss.getValue())
                        .collect(Collectors.joining(", "));
    }

    private static void write(JsonGenerator json, String driver, List<Demo.Row> rows) {
        json.writeStartObject();
        json.writeStringProperty("driver", driver);
        json.writeArrayPropertyStart("passes");
        for (Demo.Row row : rows) {
            json.writeStartObject();
            json.writeStringProperty("name", row.name());
            json.writeNumberProperty("bytes", row.bytes());
            json.writeNumberProperty("nanos", row.nanos());
            json.writeNumberProperty("hits", row.hits());
            json.writeNumberProperty("copies", row.copies());
            json.writeNumberProperty("copied_bytes", row.copiedBytes());
            json.writeObjectPropertyStart("misses");
            for (Map.Entry<String, Long> miss : row.misses().entrySet()) {
                json.writeNumberProperty(miss.getKey(), miss.getValue());
            }
            json.writeEndObject();
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
