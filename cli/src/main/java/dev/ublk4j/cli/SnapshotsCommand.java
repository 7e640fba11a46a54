package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Table;
import dev.ublk4j.qcow2.Qcow2Options;
import dev.ublk4j.qcow2.Qcow2Target;
import dev.ublk4j.qcow2.Snapshot;
import dev.ublk4j.targets.BackingFile.Caching;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JsonGenerator;

/** {@code ublk4j snapshots}. */
@Command(
        name = "snapshots",
        description = "List the snapshots of a qcow2 image.",
        footer = {
            "",
            "'ublk4j add qcow2 IMAGE --snapshot NAME' serves one of them, by its name or ID. An image"
                    + " that a server has open to write is not read."
        })
final class SnapshotsCommand implements Callable<Integer> {
    @Parameters(paramLabel = "IMAGE", description = "The image.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path image;

    @Option(
            names = "--backing-format",
            paramLabel = "FORMAT",
            description =
                    "The format of its backing file, raw or qcow2, where IMAGE does not say it.")
    private @Nullable String backingFormat;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        Qcow2Options options =
                Qcow2Options.of(Caching.BUFFERED)
                        .withReadOnly(true)
                        .withBackingFormat(backingFormat);
        List<Snapshot> snapshots;
        try (Qcow2Target target = Qcow2Target.open(image, options)) {
            snapshots = target.snapshots();
        }
        output.print(json -> write(snapshots, json), out -> print(snapshots, out));
        return 0;
    }

    static void print(List<Snapshot> snapshots, PrintWriter out) {
        Table table = new Table("ID", "NAME", "TAKEN", "DISK", "MACHINE");
        for (Snapshot snapshot : snapshots) {
            table.row(
                    snapshot.id(),
                    snapshot.name(),
                    snapshot.taken().toString(),
                    ByteSize.exact(snapshot.diskBytes()),
                    snapshot.stateBytes() == 0 ? "-" : ByteSize.exact(snapshot.stateBytes()));
        }
        table.print(out);
    }

    static void write(List<Snapshot> snapshots, JsonGenerator json) {
        json.writeStartArray();
        for (Snapshot snapshot : snapshots) {
            json.writeStartObject();
            json.writeStringProperty("id", snapshot.id());
            json.writeStringProperty("name", snapshot.name());
            json.writeStringProperty("taken", snapshot.taken().toString());
            json.writeNumberProperty("disk_bytes", snapshot.diskBytes());
            json.writeNumberProperty("machine_bytes", snapshot.stateBytes());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
