package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.MirrorLog;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code mirror}. */
@Command(
        name = "mirror",
        aliases = "raid1",
        description = "The same data on several targets of one size (RAID 1).",
        footer = {
            "",
            "A target that fails gets no more requests, and the log says so to the next server. 'ublk4j"
                    + " stat' shows which; 'ublk4j resync' copies the others' data to it again. The"
                    + " log is about the targets in their order: keep it.",
            "",
            "Example:",
            "  ublk4j add mirror a.img b.img --log ab.log"
        })
final class MirrorKind extends LayerKind {
    @Option(
            names = "--log",
            paramLabel = "FILE",
            description =
                    "Where it is noted which targets have failed; made when it is not there. Needed"
                            + " unless all of them are in memory.")
    private @Nullable Path log;

    @Override
    int fewestLegs() {
        return 2;
    }

    @Override
    void checkOptions() {
        if (log == null && keepsData() && !readOnly()) {
            throw new IllegalArgumentException(
                    "a mirror needs a log, by which its next server knows which targets have failed:"
                            + " --log FILE, or log=FILE in a leg");
        }
    }

    private @Nullable Path absolute() {
        return log == null ? null : log.toAbsolutePath().normalize();
    }

    @Override
    TargetSpec ownSpec() {
        Path file = absolute();
        return file == null ? composed() : composed().with("log", file.toString());
    }

    @Override
    void name(NamedFiles files) {
        super.name(files);
        Path file = absolute();
        if (file != null) {
            files.add(file);
        }
    }

    private static MirrorLog inFile(Path file) throws IOException {
        try {
            return MirrorLog.inFile(file);
        } catch (FileSystemException e) {
            throw new Failure(
                    "the mirror's log %s cannot be opened: %s".formatted(file, Explanation.of(e)),
                    e);
        }
    }

    private List<Target> openLegs(Opened opened, MirrorLog log) throws IOException {
        try {
            return openLegs(opened);
        } catch (Throwable e) {
            log.close();
            throw e;
        }
    }

    @Override
    Target open(Opened opened) throws IOException {
        Path file = absolute();
        boolean isNew = file != null && Files.notExists(file);
        MirrorLog read = file == null ? MirrorLog.inMemory() : inFile(file);
        if (file != null && isNew) {
            made().add(file);
        }
        try {
            return new Mirror(openLegs(opened, read), read);
        } catch (UncheckedIOException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new Failure(
                    "the mirror's log %s cannot be written: %s"
                            .formatted(file, Explanation.of(cause)),
                    e);
        }
    }
}
