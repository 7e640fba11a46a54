package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.Overlay;
import dev.ublk4j.layers.OverlayMap;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code overlay}. */
@Command(
        name = "overlay",
        aliases = "cow",
        description =
                "A base that is only read, and changes that go to another target (copy-on-write).",
        footer = {
            "",
            "The first TARGET is the base, the second takes the changes: a file of the base's size,"
                    + " which is made, without data in it, when it is not there. Changes and map"
                    + " belong together: keep both, or delete both to begin anew.",
            "",
            "Example:",
            "  ublk4j add overlay a.img changes.img --allow-commit"
        })
final class OverlayKind extends LayerKind {
    private static final String MAP_SUFFIX = ".map";

    /** As far as the user's mask lets them, as any file that is made. */
    private static final int OF_ANYBODY = 0666;

    @Option(
            names = "--map",
            paramLabel = "FILE",
            description =
                    "Where it is noted what has changed; made when it is not there. Default: the name"
                            + " of the file of changes with .map behind it; none for changes in"
                            + " memory.")
    private @Nullable Path map;

    @Option(
            names = "--cluster",
            paramLabel = "SIZE",
            defaultValue = "64K",
            converter = ByteSize.class,
            description =
                    "The unit of change of a new map, a power of two from 4K on. Default:"
                            + " ${DEFAULT-VALUE}.")
    private long cluster;

    @Option(
            names = "--allow-commit",
            description = "Open the base for writing, so that 'ublk4j commit' can write to it.")
    private boolean allowsCommit;

    @Override
    int fewestLegs() {
        return 2;
    }

    @Override
    int mostLegs() {
        return 2;
    }

    @Override
    void adopt(List<TargetKind> read) {
        if (!read.isEmpty() && (!allowsCommit || readOnly())) {
            read.getFirst().makeReadOnly();
        }
    }

    @Override
    void checkOptions() {
        if (Long.bitCount(cluster) != 1 || cluster < 4096 || cluster > 1 << 30) {
            throw new IllegalArgumentException(
                    "a cluster is a power of two from 4K to 1G, and not "
                            + ByteSize.exact(cluster));
        }
        if (allowsCommit && (readOnly() || base().readOnly())) {
            throw new IllegalArgumentException(
                    "--allow-commit is for a base that can be written, and %s is read-only"
                            .formatted(readOnly() ? "the overlay" : base().spec()));
        }
        if (!changes().keepsData()) {
            if (map != null) {
                throw new IllegalArgumentException(
                        "--map is for changes that are kept, and those in %s are not"
                                .formatted(changes().name()));
            }
        } else if (mapFile() == null) {
            throw new IllegalArgumentException(
                    "the map of an overlay has no name by itself where the changes go to %s: --map"
                                    .formatted(changes().spec())
                            + " FILE, or map=FILE in a leg");
        }
    }

    private TargetKind base() {
        return legs().getFirst();
    }

    private TargetKind changes() {
        return legs().get(1);
    }

    /** {@return the file that takes the changes, or null where it is none that can be made} */
    private @Nullable Path changesFile() {
        FileKind kind = changesKind();
        return kind == null ? null : kind.absolute();
    }

    private @Nullable FileKind changesKind() {
        if (changes() instanceof FileKind kind && kind.isWhole()) {
            Path file = kind.absolute();
            return Files.isRegularFile(file) || Files.notExists(file) ? kind : null;
        }
        return null;
    }

    private @Nullable Path mapFile() {
        if (map != null) {
            return map.toAbsolutePath().normalize();
        }
        FileKind kind = changesKind();
        return kind == null ? null : kind.sibling(MAP_SUFFIX);
    }

    @Override
    TargetSpec ownSpec() {
        Path file = mapFile();
        TargetSpec spec = composed();
        spec = file == null ? spec : spec.with("map", file.toString());
        spec = spec.with("cluster", ByteSize.exact(cluster));
        return allowsCommit ? spec.with("allow-commit") : spec;
    }

    @Override
    void name(NamedFiles files) {
        super.name(files);
        Path file = mapFile();
        if (file != null) {
            files.add(file);
        }
    }

    @Override
    Target open(Opened opened) throws IOException {
        Target base = opened.add(base().openShaped());
        if (allowsCommit && base.geometry().readOnly()) {
            throw new Failure(
                    "--allow-commit is for a base that can be written, and %s is read-only"
                            .formatted(base().spec()));
        }
        long size = base.geometry().size();
        Path file = changesFile();
        Path mapPath = mapFile();
        boolean missing = file != null && Files.notExists(file);
        if (file != null && mapPath != null) {
            requireTogether(file, missing, mapPath, Files.notExists(mapPath));
        }
        if (missing && file != null) {
            if (readOnly()) {
                throw new Failure(
                        "%s is not there, and an overlay that is read-only does not make it"
                                .formatted(file));
            }
            make(file, size);
            made().add(file);
        }
        opened.add(changes().openShaped());
        OverlayMap read = map(mapPath, size);
        if (mapPath != null && read.isNew() && !readOnly()) {
            made().add(mapPath);
        }
        List<Target> both = opened.take();
        return new Overlay(both.get(0), both.get(1), read);
    }

    private OverlayMap map(@Nullable Path path, long size) throws IOException {
        return path == null || (readOnly() && Files.notExists(path))
                ? OverlayMap.inMemory(size, (int) cluster)
                : OverlayMap.inFile(path, size, (int) cluster);
    }

    /** One without the other would be data that is not there, or is there and not read. */
    private static void requireTogether(Path file, boolean made, Path mapPath, boolean isNew) {
        if (made && !isNew) {
            throw new Failure(
                    "%s is the map of changes that are gone, in %s; delete it to begin anew"
                            .formatted(mapPath, file));
        }
        if (!made && isNew && hasData(file)) {
            throw new Failure(
                    "%s has data, and its map is not there: %s; to begin anew, delete %s"
                            .formatted(file, mapPath, file));
        }
    }

    private static boolean hasData(Path file) {
        try (Fd fd = Fd.open(file, Fd.O_RDONLY)) {
            return fd.seek(0, Fd.SEEK_DATA) >= 0;
        }
    }

    private static void make(Path file, long size) {
        try (Fd fd = Fd.open(file, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, OF_ANYBODY)) {
            fd.truncate(size);
        }
    }
}
