package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.Uneven;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileOptions;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code file}. */
@Command(
        name = "file",
        aliases = "loop",
        description = "A device backed by a regular file or a block device.")
final class FileKind extends TargetKind {
    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "The file or block device. Its size becomes the size of the device.")
    private @Nullable Path positional;

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "Same as FILE.")
    private @Nullable Path named;

    @Option(names = "--buffered", description = "Use the page cache instead of O_DIRECT.")
    private boolean buffered;

    @Option(
            names = "--offset",
            paramLabel = "BYTES",
            converter = ByteOffset.class,
            description =
                    "Serve the part of FILE that begins here, such as a partition of an image."
                            + " Default: 0.")
    private long offset;

    @Option(
            names = "--size",
            paramLabel = "BYTES",
            converter = ByteSize.class,
            description = "The size of that part. Default: up to the end of FILE.")
    private @Nullable Long size;

    @Option(
            names = "--force",
            description = {
                "Serve FILE even if it is mounted or otherwise in use. This can destroy its"
                        + " data."
            })
    private boolean force;

    @Option(
            names = "--no-lock",
            description = {
                "Do not lock FILE against other servers, and serve it though one has it. Two that"
                        + " write it can destroy its data."
            })
    private boolean noLock;

    @Override
    String source() {
        String path = path();
        String from = offset == 0 ? "" : " from " + offset;
        return size == null ? path + from : path + from + " size " + size;
    }

    private String path() {
        return absolute().toString();
    }

    /** {@return the file, by a name that holds in any folder} */
    Path absolute() {
        return file().toAbsolutePath().normalize();
    }

    /** {@return whether the device is the whole file} */
    boolean isWhole() {
        return offset == 0 && size == null;
    }

    /** Nothing is made beside the node of a device. What is not there is refused as such. */
    @Override
    @Nullable Path beside(String suffix) {
        return isWhole() ? besideAnyPart(suffix) : null;
    }

    @Override
    @Nullable Path besideAnyPart(String suffix) {
        Path file = absolute();
        boolean isNode = Files.exists(file) && !Files.isRegularFile(file);
        return isNode ? null : sibling(suffix);
    }

    /**
     * {@return a file beside the one that is served, wherever symbolic links to that lie} What
     * belongs to the data is found by each of its names.
     */
    Path sibling(String suffix) {
        Path file = absolute();
        if (Files.isSymbolicLink(file)) {
            try {
                file = file.toRealPath();
            } catch (IOException _) {
                // It leads to nothing, or nobody can tell; what opens it says so.
            }
        }
        return file.resolveSibling(file.getFileName() + suffix);
    }

    private Path file() {
        if (positional != null && named != null) {
            throw new IllegalArgumentException("FILE is given twice: as an argument and with -f");
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
        if (size != null) {
            checkSize(size);
        }
        FileOptions _ = options();
    }

    private FileOptions options() {
        return FileOptions.of(buffered ? Caching.BUFFERED : Caching.DIRECT)
                .withReadOnly(readOnly())
                .withForce(force)
                .withLock(!noLock)
                .withBlockSize(blockSize())
                .withPart(offset, size == null ? 0 : size);
    }

    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = TargetSpec.of(name());
        if (buffered) {
            spec = spec.with("buffered");
        }
        if (force) {
            spec = spec.with("force");
        }
        if (noLock) {
            spec = spec.with("no-lock");
        }
        if (offset != 0) {
            spec = spec.with("offset", ByteSize.exact(offset));
        }
        if (size != null) {
            spec = spec.with("size", ByteSize.exact(size));
        }
        return spec.withArgument(path());
    }

    @Override
    void name(NamedFiles files) {
        files.add(absolute(), offset, size == null ? 0 : size);
    }

    @Override
    boolean force() {
        force = true;
        return true;
    }

    @Override
    Target open() {
        try {
            return takesAnySize()
                    ? Uneven.file(file(), options())
                    : new FileTarget(BackingFile.open(file(), options()));
        } catch (LinuxException e) {
            if (e.errno() == Errno.EBUSY) {
                throw new Failure(
                        "%s is in use: mounted, swap, part of a RAID or volume, behind a loop device, or"
                                        .formatted(path())
                                + " open in another program; --force serves it anyway",
                        e);
            }
            throw e;
        }
    }
}
