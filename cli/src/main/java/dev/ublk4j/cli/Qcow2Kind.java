package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.qcow2.NewImage;
import dev.ublk4j.qcow2.Qcow2Options;
import dev.ublk4j.qcow2.Qcow2Target;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile.Caching;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code qcow2}. */
@Command(
        name = "qcow2",
        description = "A device in an image of QEMU's format qcow2, with its backing files.",
        footer = {
            "",
            "Examples:",
            "  ublk4j add qcow2 disk.qcow2",
            "  ublk4j add qcow2 new.qcow2 --create 10G --backing base.img --backing-format raw"
        })
final class Qcow2Kind extends TargetKind {
    @Parameters(arity = "1", paramLabel = "IMAGE", description = "The image.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path image;

    @Option(names = "--buffered", description = "Use the page cache instead of O_DIRECT.")
    private boolean buffered;

    @Option(
            names = "--snapshot",
            paramLabel = "NAME",
            description = "Serve this snapshot of IMAGE, read-only.")
    private @Nullable String snapshot;

    @Option(
            names = "--create",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Make IMAGE when it is not there, for a disk of this size.")
    private @Nullable Long create;

    @Option(
            names = "--cluster",
            paramLabel = "SIZE",
            defaultValue = "64K",
            converter = ByteSize.class,
            description =
                    "The clusters of an image that is made, a power of two from 512 to 2M. Default:"
                            + " ${DEFAULT-VALUE}.")
    private long cluster;

    @Option(
            names = "--backing",
            paramLabel = "FILE",
            description =
                    "The backing file of an image that is made; a relative name begins in the folder"
                            + " of IMAGE.")
    private @Nullable String backing;

    @Option(
            names = "--backing-format",
            paramLabel = "FORMAT",
            description =
                    "The format of the backing file, raw or qcow2, where IMAGE does not say it. It is"
                            + " not guessed.")
    private @Nullable String backingFormat;

    @Option(
            names = "--cache",
            paramLabel = "SIZE",
            defaultValue = "32M",
            converter = ByteSize.class,
            description =
                    "Memory for tables of IMAGE, and as much for each backing image. Default:"
                            + " ${DEFAULT-VALUE}.")
    private long cache;

    @Option(
            names = "--force",
            description =
                    "Serve IMAGE even if it is a block device that is mounted or otherwise in use.")
    private boolean force;

    private Path absolute() {
        return image.toAbsolutePath().normalize();
    }

    @Override
    String source() {
        return absolute() + (snapshot == null ? "" : " snapshot " + snapshot);
    }

    @Override
    void check() {
        if (backingFormat != null && !backingFormat.matches("raw|qcow2")) {
            throw new IllegalArgumentException(
                    "--backing-format is raw or qcow2, and not " + backingFormat);
        }
        if (backing != null && create == null) {
            throw new IllegalArgumentException("--backing is for an image that --create makes");
        }
        if (backing != null && backingFormat == null) {
            throw new IllegalArgumentException("--backing needs --backing-format, raw or qcow2");
        }
        if (create != null) {
            if (snapshot != null) {
                throw new IllegalArgumentException("an image that is made has no snapshots");
            }
            NewImage _ = newImage(create);
        }
    }

    private NewImage newImage(long size) {
        String format = backing == null ? null : backingFormat;
        return new NewImage(size, (int) Math.min(cluster, Integer.MAX_VALUE), backing, format);
    }

    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = TargetSpec.of(name());
        spec = buffered ? spec.with("buffered") : spec;
        spec = snapshot == null ? spec : spec.with("snapshot", snapshot);
        if (create != null) {
            spec = spec.with("create", ByteSize.exact(create));
            spec = spec.with("cluster", ByteSize.exact(cluster));
            spec = backing == null ? spec : spec.with("backing", backing);
        }
        spec = backingFormat == null ? spec : spec.with("backing-format", backingFormat);
        spec =
                cache == Qcow2Options.DEFAULT_CACHE
                        ? spec
                        : spec.with("cache", ByteSize.exact(cache));
        spec = force ? spec.with("force") : spec;
        return spec.withArgument(absolute().toString());
    }

    @Override
    void name(NamedFiles files) {
        files.add(absolute());
    }

    @Override
    boolean force() {
        force = true;
        return true;
    }

    @Override
    Target open() {
        if (create != null && Files.notExists(image)) {
            newImage(create).create(image);
            made().add(image);
        }
        Target target = Qcow2Target.open(image, options());
        if (create != null && target.geometry().size() != create) {
            long bytes = target.geometry().size();
            target.close();
            throw new Failure(
                    "%s is there, with a disk of %d bytes and not %d"
                            .formatted(absolute(), bytes, create));
        }
        return target;
    }

    private Qcow2Options options() {
        return Qcow2Options.of(buffered ? Caching.BUFFERED : Caching.DIRECT)
                .withReadOnly(readOnly())
                .withForce(force)
                .withBackingFormat(backingFormat)
                .withSnapshot(snapshot)
                .withCache(cache);
    }
}
