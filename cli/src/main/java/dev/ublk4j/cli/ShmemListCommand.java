package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Table;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j shmem list}. */
@Command(
        name = "list",
        aliases = "ls",
        description = "List the memory that applications share with devices.",
        footer = {
            "",
            "Without N: all devices that share memory. MODE is rw, or ro if only writes to the device use the memory. PID is the"
                    + " process that registered it, or that it was adopted from; - means the"
                    + " server, or a buffer that is kept without a process. The name of adopted"
                    + " memory is its program and mapping."
        })
final class ShmemListCommand implements Callable<Integer> {
    private static final String[] HEADINGS = {
        "DEVICE", "INDEX", "SIZE", "MODE", "PID", "UID", "NAME"
    };

    @Mixin private final DeviceNumbers named = new DeviceNumbers();

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        List<Integer> numbers = named.numbers();
        DriverModule.check();
        SortedMap<Integer, List<BufferEntry>> devices = new TreeMap<>();
        for (int number : numbers.isEmpty() ? sharing() : numbers) {
            try (HandoverConnection connection = ShmemCommand.connect(number)) {
                devices.put(number, connection.list());
            }
        }
        output.print(json -> write(devices, json), out -> print(devices, out));
        return 0;
    }

    private static void print(SortedMap<Integer, List<BufferEntry>> devices, PrintWriter out) {
        Table table = new Table(HEADINGS);
        devices.forEach(
                (number, buffers) -> buffers.forEach(buffer -> table.row(cells(number, buffer))));
        table.print(out);
    }

    private static List<Integer> sharing() {
        return Devices.all().stream()
                .filter(number -> Files.exists(Exchange.socketPath(number)))
                .toList();
    }

    private static String[] cells(int number, BufferEntry buffer) {
        return new String[] {
            Integer.toString(number),
            Integer.toString(buffer.index()),
            ByteSize.format(buffer.length()),
            buffer.readOnly() ? "ro" : "rw",
            buffer.kept() ? "-" : Integer.toString(buffer.pid()),
            Integer.toUnsignedString(buffer.uid()),
            buffer.name()
        };
    }

    private static void write(
            SortedMap<Integer, List<BufferEntry>> devices, JsonGenerator generator) {
        generator.writeStartArray();
        devices.forEach(
                (number, buffers) -> buffers.forEach(buffer -> write(number, buffer, generator)));
        generator.writeEndArray();
    }

    private static void write(int number, BufferEntry buffer, JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("device", number);
        json.writeNumberProperty("index", buffer.index());
        json.writeNumberProperty("size", buffer.length());
        json.writeNumberProperty("offset", buffer.offset());
        json.writeBooleanProperty("read_only", buffer.readOnly());
        json.writeBooleanProperty("kept", buffer.kept());
        json.writeBooleanProperty("adopted", buffer.adopted());
        json.writeNumberProperty("pid", buffer.pid());
        json.writeNumberProperty("uid", Integer.toUnsignedLong(buffer.uid()));
        json.writeStringProperty("name", buffer.name());
        json.writeEndObject();
    }
}
