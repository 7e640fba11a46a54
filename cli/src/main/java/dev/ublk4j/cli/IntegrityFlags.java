package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.layers.IntegrityTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.IntegrityFormat.Checksum;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.targets.MetadataFile;
import dev.ublk4j.targets.NullTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The integrity metadata that a target of any kind is given. */
@Command
final class IntegrityFlags {
    /** What comes behind the name of a file for that of its metadata. */
    static final String SUFFIX = ".integrity";

    private static final int PAGE = 4096;

    @Option(
            names = "--integrity",
            paramLabel = "FORMAT",
            converter = Formats.class,
            completionCandidates = Formats.Names.class,
            description =
                    "Give the device integrity metadata (Linux 7.0): t10-pi-1, protection information"
                            + " with a reference tag, t10-pi-3 without one, or metadata, bytes that"
                            + " nobody checks.")
    private @Nullable Format format;

    @Option(
            names = "--csum-type",
            paramLabel = "TYPE",
            converter = Checksums.class,
            completionCandidates = Checksums.Names.class,
            description =
                    "The checksum of protection information: t10dif, ip or nvme. Default: t10dif.")
    private @Nullable Checksum checksum;

    @Option(
            names = "--metadata-size",
            paramLabel = "BYTES",
            description =
                    "The metadata of a block, 1 to 255 bytes. Default: that of the protection"
                            + " information, 8 or, with nvme, 16.")
    private @Nullable Integer metadataSize;

    @Option(
            names = "--pi-offset",
            paramLabel = "BYTES",
            description = "Where in the metadata the protection information begins. Default: 0.")
    private @Nullable Integer offset;

    @Option(
            names = "--tag-size",
            paramLabel = "BYTES",
            description = "The tag of the application's that the device tells of. Default: 0.")
    private @Nullable Integer tagSize;

    @Option(
            names = "--not-integrity-capable",
            description =
                    "Tell that the device does not keep protection information"
                            + " (device_is_integrity_capable), although it does.")
    private boolean incapable;

    @Option(
            names = "--metadata",
            paramLabel = "FILE",
            description =
                    "Where the metadata is kept; made when it is not there. Default: the name of the"
                            + " file with .integrity behind it; none for a target in memory.")
    private @Nullable Path file;

    /** What metadata there is. */
    enum Format {
        /** Protection information of type 1. */
        T10_PI_1("t10-pi-1"),
        /** Protection information of type 3. */
        T10_PI_3("t10-pi-3"),
        /** No protection information. */
        METADATA("metadata");

        private final String word;

        Format(String word) {
            this.word = word;
        }

        @Override
        public String toString() {
            return word;
        }
    }

    /** Reads a format. */
    static final class Formats extends Choice<Format> {
        Formats() {
            super(Format.class);
        }

        /** The words, for completion. */
        static final class Names implements Iterable<String> {
            @Override
            public Iterator<String> iterator() {
                return Arrays.stream(Format.values()).map(Format::toString).iterator();
            }
        }
    }

    /** Reads a checksum. */
    static final class Checksums extends Choice<Checksum> {
        Checksums() {
            super(Checksum.class);
        }

        /** The words, for completion. */
        static final class Names implements Iterable<String> {
            @Override
            public Iterator<String> iterator() {
                return Arrays.stream(Checksum.values()).map(Checksum::toString).iterator();
            }
        }
    }

    /** {@return whether the target is to have metadata} */
    boolean areGiven() {
        return format != null;
    }

    /**
     * Finds what is wrong with the options, before anything is opened.
     *
     * @throws IllegalArgumentException when something is
     */
    void check(TargetKind kind) {
        boolean any =
                checksum != null
                        || metadataSize != null
                        || offset != null
                        || tagSize != null
                        || incapable
                        || file != null;
        if (format == null) {
            if (any) {
                throw new IllegalArgumentException(
                        "--csum-type, --metadata-size, --pi-offset, --tag-size, --metadata and"
                                + " --not-integrity-capable need --integrity");
            }
            return;
        }
        if (ZonedKind.isIn(kind)) {
            throw new IllegalArgumentException("a device with zones has no integrity metadata");
        }
        IntegrityFormat _ = chosen(format);
        if (!kind.keepsData() && file != null) {
            throw new IllegalArgumentException(
                    "--metadata is for data that is kept, and that in %s is not"
                            .formatted(kind.name()));
        }
        if (kind.keepsData() && fileOf(kind) == null) {
            throw new IllegalArgumentException(
                    "the metadata has no name by itself where the data goes to %s: --metadata FILE"
                            .formatted(kind.spec()));
        }
    }

    private IntegrityFormat chosen(Format what) {
        Checksum guard = guard(what);
        int bytes = metadataSize == null ? Math.max(guard.tupleSize(), 1) : metadataSize;
        if (what == Format.METADATA && metadataSize == null) {
            throw new IllegalArgumentException("--integrity metadata needs --metadata-size");
        }
        if (what != Format.METADATA && guard == Checksum.NONE) {
            throw new IllegalArgumentException(
                    "protection information has a checksum; without one it is --integrity metadata");
        }
        return IntegrityFormat.ofSize(bytes)
                .withChecksum(guard)
                .withReferenceTags(what == Format.T10_PI_1)
                .withOffset(offset == null ? 0 : offset)
                .withTagSize(tagSize == null ? 0 : tagSize)
                .withCapable(what != Format.METADATA && !incapable);
    }

    private Checksum guard(Format what) {
        if (checksum != null) {
            if (what == Format.METADATA && checksum != Checksum.NONE) {
                throw new IllegalArgumentException(
                        "--csum-type is for protection information, and not for --integrity"
                                + " metadata");
            }
            return checksum;
        }
        return what == Format.METADATA ? Checksum.NONE : Checksum.T10DIF;
    }

    private @Nullable Path fileOf(TargetKind kind) {
        return file != null ? file.toAbsolutePath().normalize() : kind.beside(SUFFIX);
    }

    /** Names the file of the metadata. */
    void name(TargetKind kind, NamedFiles files) {
        Path named = format == null || !kind.keepsData() ? null : fileOf(kind);
        if (named != null) {
            files.add(named);
        }
    }

    /** {@return the options that say the same, from any folder} */
    List<String> words(TargetKind kind) {
        List<String> words = new ArrayList<>();
        if (format == null) {
            return words;
        }
        words.add("--integrity=" + format);
        if (checksum != null) {
            words.add("--csum-type=" + checksum);
        }
        if (metadataSize != null) {
            words.add("--metadata-size=" + metadataSize);
        }
        if (offset != null) {
            words.add("--pi-offset=" + offset);
        }
        if (tagSize != null) {
            words.add("--tag-size=" + tagSize);
        }
        if (incapable) {
            words.add("--not-integrity-capable");
        }
        Path kept = kind.keepsData() ? fileOf(kind) : null;
        if (kept != null) {
            words.add("--metadata=" + kept);
        }
        return words;
    }

    /**
     * Refuses to write data whose metadata would not be written with it.
     *
     * @throws Failure when there is such metadata beside the data, and it is not asked for
     */
    void requireNotLost(TargetKind kind) {
        Path beside = kind.readOnly() ? null : kind.besideAnyPart(SUFFIX);
        if (beside == null || (format != null && beside.equals(fileOf(kind)))) {
            return;
        }
        try {
            if (MetadataFile.isInUseFor(beside)) {
                throw new Failure(
                        "%s has integrity metadata, %s, which would be wrong once the data is written"
                                        .formatted(kind.source(), beside)
                                + " without it: add --integrity as before, or -r to read the data;"
                                + " to do without the metadata from now on, delete it");
            }
        } catch (IOException e) {
            throw new Failure("the metadata: " + Explanation.of(e), e);
        }
    }

    /**
     * {@return a target with the metadata that these options ask for}
     *
     * @param kind is told of the file that is made
     * @param target closed when this throws
     * @param again whether the metadata has to be there, and is not made
     */
    Target over(TargetKind kind, Target target, boolean again) {
        if (format == null) {
            return target;
        }
        try {
            Geometry data = target.geometry();
            IntegrityFormat full = chosen(format).withInterval(data.logicalBlockSize());
            long bytes = Math.addExact(full.metadataOf(data.size()), PAGE - 1) & -PAGE;
            Path kept = kind.keepsData() ? fileOf(kind) : null;
            Target metadata;
            if (kept == null) {
                metadata = kind.dropsData() ? new NullTarget(bytes) : new MemoryTarget(bytes);
            } else {
                MetadataFile opened =
                        again
                                ? MetadataFile.openAgain(kept, data.size(), full, data.readOnly())
                                : MetadataFile.open(kept, data.size(), full, data.readOnly());
                if (opened.isNew()) {
                    kind.made().add(kept);
                }
                metadata = opened.target();
            }
            return new IntegrityTarget(target, metadata, full);
        } catch (IOException e) {
            target.close();
            throw new Failure("the metadata: " + Explanation.of(e), e);
        } catch (Throwable e) {
            target.close();
            throw e;
        }
    }
}
