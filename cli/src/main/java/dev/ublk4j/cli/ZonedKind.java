package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.ZoneTable;
import dev.ublk4j.layers.ZonedTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.ZoneLimits;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code zoned}. */
@Command(
        name = "zoned",
        description = "Another target in zones that are written from their beginning to their end.",
        footer = {
            "",
            "A write that is not at the write pointer of its zone fails. Where the write pointers are"
                    + " is in the file of --table: keep it with the data. What is no whole zone at"
                    + " the end of the target is left out.",
            "",
            "Examples:",
            "  ublk4j add zoned memory:1G --zone-size 64M --max-open 8",
            "  ublk4j add zoned disk.img --zone-size 256M --conventional 2"
        })
final class ZonedKind extends LayerKind {
    private static final String TABLE_SUFFIX = ".zones";

    @Option(
            names = "--zone-size",
            paramLabel = "SIZE",
            defaultValue = "256M",
            converter = ByteSize.class,
            description = "The size of a zone, a power of two. Default: ${DEFAULT-VALUE}.")
    private long zoneSize;

    @Option(
            names = "--zone-capacity",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description =
                    "How much of a zone can be written, from its beginning on. By default all of it.")
    private long zoneCapacity;

    @Option(
            names = "--conventional",
            paramLabel = "COUNT",
            defaultValue = "0",
            description =
                    "How many zones are written anywhere, the first ones. Default: ${DEFAULT-VALUE}.")
    private int conventional;

    @Option(
            names = "--max-open",
            paramLabel = "COUNT",
            defaultValue = "0",
            description = "Most zones that are open at a time. Default: 0, any number.")
    private int maxOpen;

    @Option(
            names = "--max-active",
            paramLabel = "COUNT",
            defaultValue = "0",
            description =
                    "Most zones that are neither empty nor full at a time. Default: 0, any number.")
    private int maxActive;

    @Option(
            names = "--table",
            paramLabel = "FILE",
            description =
                    "Where the write pointers are kept; made, with empty zones, when it is not there."
                            + " Default: the name of the file with .zones behind it; none for a"
                            + " target in memory.")
    private @Nullable Path table;

    @Override
    int fewestLegs() {
        return 1;
    }

    @Override
    int mostLegs() {
        return 1;
    }

    private ZoneLimits limits() {
        int open = maxOpen == 0 ? maxActive : maxOpen;
        long capacity = zoneCapacity == 0 ? zoneSize : zoneCapacity;
        return new ZoneLimits(zoneSize, capacity, open, maxActive);
    }

    @Override
    void checkOptions() {
        ZoneLimits _ = limits();
        if (conventional < 0) {
            throw new IllegalArgumentException("--conventional is negative: " + conventional);
        }
        if (!leg().keepsData()) {
            if (table != null) {
                throw new IllegalArgumentException(
                        "--table is for data that is kept, and that in %s is not"
                                .formatted(leg().name()));
            }
        } else if (tableFile() == null) {
            throw new IllegalArgumentException(
                    "the table of zones has no name by itself where the data goes to %s: --table FILE, or table=FILE in a leg"
                            .formatted(leg().spec()));
        }
    }

    private TargetKind leg() {
        return legs().getFirst();
    }

    /** {@return whether a target is known to have zones before it is opened} */
    static boolean isIn(TargetKind kind) {
        return kind instanceof ZonedKind || kind.legs().stream().anyMatch(ZonedKind::isIn);
    }

    private @Nullable Path tableFile() {
        if (table != null) {
            return table.toAbsolutePath().normalize();
        }
        return leg().beside(TABLE_SUFFIX);
    }

    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = composed().with("zone-size", ByteSize.exact(zoneSize));
        spec = zoneCapacity == 0 ? spec : spec.with("zone-capacity", ByteSize.exact(zoneCapacity));
        spec = conventional == 0 ? spec : with(spec, "conventional", conventional);
        spec = maxOpen == 0 ? spec : with(spec, "max-open", maxOpen);
        spec = maxActive == 0 ? spec : with(spec, "max-active", maxActive);
        Path file = tableFile();
        return file == null ? spec : spec.with("table", file.toString());
    }

    private static TargetSpec with(TargetSpec spec, String name, int value) {
        return spec.with(name, Integer.toString(value));
    }

    @Override
    void name(NamedFiles files) {
        super.name(files);
        Path file = tableFile();
        if (file != null) {
            files.add(file);
        }
    }

    @Override
    Target open(Opened opened) throws IOException {
        Target below = opened.add(leg().openShaped());
        long size = below.geometry().size();
        if (size < zoneSize) {
            throw new Failure(
                    "%s has %s, which is less than a zone of %s"
                            .formatted(
                                    leg().spec(), ByteSize.exact(size), ByteSize.exact(zoneSize)));
        }
        Path file = tableFile();
        ZoneTable zones =
                file == null
                        ? ZoneTable.inMemory(size, limits(), conventional)
                        : ZoneTable.inFile(file, size, limits(), conventional);
        if (file != null && zones.isNew()) {
            made().add(file);
        }
        return new ZonedTarget(opened.take().getFirst(), zones);
    }
}
