package dev.ublk4j.cli;

import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileTarget;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code file}. */
@Command(
        name = "file",
        aliases = "loop",
        description = "A device kept in a regular file or on another block device.")
final class FileKind extends TargetKind {
    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "The file or block device; its size is the device's.")
    private @Nullable Path positional;

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "The same as FILE.")
    private @Nullable Path named;

    @Option(
            names = "--buffered",
            description = "Go through the page cache, rather than past it with O_DIRECT.")
    private boolean buffered;

    @Override
    String source() {
        return file().toAbsolutePath().normalize().toString();
    }

    private Path file() {
        if (positional != null && named != null) {
            throw new IllegalArgumentException("FILE is given twice");
        }
        if (positional != null) {
            return positional;
        }
        if (named != null) {
            return named;
        }
        throw new IllegalArgumentException("FILE is missing");
    }

    @Override
    void check() {
        file();
    }

    @Override
    List<String> ownWords() {
        return buffered ? List.of("--buffered", source()) : List.of(source());
    }

    @Override
    Target open() {
        return new FileTarget(
                BackingFile.open(file(), buffered ? Caching.BUFFERED : Caching.DIRECT, readOnly()));
    }
}
