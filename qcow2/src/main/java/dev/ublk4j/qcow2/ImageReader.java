package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileOptions;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.targets.UnfitFileException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Opens images. What an image says is not believed: it may come from anybody. */
final class ImageReader {
    private static final String RAW = "raw";
    private static final String QCOW2 = "qcow2";

    /** Each is a level of parts on the way of a request. */
    private static final int LONGEST_CHAIN = 64;

    private static final int PAGE = 4096;

    private ImageReader() {}

    static Image open(Path path, Qcow2Options options) {
        return open(path, options, new HashSet<>());
    }

    /** Opens an image, of those over it that are given. */
    private static Image open(Path path, Qcow2Options options, Set<Path> over) {
        if (!over.add(real(path))) {
            throw new UnfitFileException(path, "is its own backing file");
        }
        if (over.size() > LONGEST_CHAIN) {
            throw new UnfitFileException(
                    path, "is more than %d backing files deep".formatted(LONGEST_CHAIN));
        }
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            return open(path, options, over, opened);
        } catch (Throwable e) {
            for (AutoCloseable each : opened.reversed()) {
                try {
                    each.close();
                } catch (Exception also) {
                    e.addSuppressed(also);
                }
            }
            throw e;
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            // What opens it tells why.
            return path.toAbsolutePath().normalize();
        }
    }

    private static Image open(
            Path path, Qcow2Options options, Set<Path> over, List<AutoCloseable> opened) {
        Header early = peek(path, options.readOnly());
        BackingFile locked = BackingFile.open(path, fileOptions(path, early, options));
        opened.add(locked);
        MetadataFile file = MetadataFile.open(path, options.readOnly(), locked.size());
        opened.add(file);
        // Before the lock another may have changed it.
        Header header = Header.read(file);
        if (header.clusterBits() != early.clusterBits()) {
            throw new UnfitFileException(path, "is being changed by another program");
        }
        requireInOrder(path, header, options);
        String name = options.snapshot();
        Snapshot.Place snapshot = name == null ? null : Snapshot.find(file, header, name);
        long size = header.size();
        long l1At = header.l1Offset();
        if (snapshot != null) {
            size = snapshot.snapshot().diskBytes();
            l1At = snapshot.l1Offset();
            header.requireL1(path, "snapshot's L1 table", snapshot.l1Entries(), l1At, size);
        }
        long[] l1 = longs(file, l1At, header.l1Needed(size));
        long[] refcountTable =
                longs(
                        file,
                        header.refcountTableOffset(),
                        header.refcountTableClusters() << (header.clusterBits() - 3));
        MetadataClusters metadata = metadata(file, header, l1At, l1, refcountTable);
        Mapping mapping = new Mapping(file, header, metadata, l1, options.cacheBytes());
        Target base = base(path, header, options, over);
        if (base != null) {
            opened.add(base);
        }
        GracePeriod grace = new GracePeriod();
        Space space = null;
        Allocator allocator = null;
        if (!options.readOnly()) {
            prepare(file, header);
            Refcounts refcounts = new Refcounts(file, header, metadata, refcountTable);
            space = new Space(file, header, refcounts, grace);
            long baseBytes = base == null ? 0 : base.geometry().size();
            allocator = new Allocator(file, header, mapping, metadata, baseBytes, space);
            opened.add(allocator);
        }
        return new Image(
                file,
                header,
                size,
                new FileTarget(locked),
                base,
                mapping,
                new Decompressor(file, header.clusterBits()),
                grace,
                new Claims(),
                allocator,
                space);
    }

    /** Looks at an image before it is locked, so as to know how. */
    private static Header peek(Path path, boolean readOnly) {
        requireFile(path);
        try (MetadataFile file = MetadataFile.open(path, readOnly, 1L << Layout.MAX_CLUSTER_BITS)) {
            return Header.read(file);
        }
    }

    /** A pipe would be waited for, and a device may act upon being opened. */
    private static void requireFile(Path path) {
        try (Fd fd = Fd.open(path, Fd.O_PATH)) {
            FileStatus status = FileStatus.of(fd);
            if (!status.isRegular() && !status.isBlockDevice()) {
                throw new UnfitFileException(path, "is neither a regular file nor a block device");
            }
        }
    }

    private static FileOptions fileOptions(Path path, Header header, Qcow2Options options) {
        long bytes;
        try (Fd fd = Fd.open(path, Fd.O_RDONLY)) {
            bytes = FileStatus.of(fd).size();
        }
        // A file whose last sector is not whole is read to its end through the page cache alone.
        boolean direct =
                options.caching() == Caching.DIRECT
                        && header.clusterBytes() >= PAGE
                        && bytes % PAGE == 0;
        long part = bytes % Layout.SECTOR == 0 ? 0 : bytes & -Layout.SECTOR;
        return FileOptions.of(direct ? Caching.DIRECT : Caching.BUFFERED)
                .withReadOnly(options.readOnly())
                .withForce(options.force())
                .withPart(0, part);
    }

    private static void requireInOrder(Path path, Header header, Qcow2Options options) {
        if (options.readOnly()) {
            return;
        }
        if (header.has(Layout.CORRUPT)) {
            throw new UnfitFileException(
                    path,
                    "is marked as corrupt, and only to be read; 'qemu-img check -r all' repairs it");
        }
        if (header.has(Layout.DIRTY)) {
            throw new UnfitFileException(
                    path,
                    "was not closed by who had it last, and only to be read; 'qemu-img check -r"
                            + " all' repairs it");
        }
    }

    private static long[] longs(MetadataFile file, long at, int count) {
        try (Arena arena = Arena.ofConfined()) {
            long bytes = (long) count * Long.BYTES;
            if (at > file.length() - bytes) {
                throw Header.bad(
                        file.path(), "the table at %d is behind the end of the file".formatted(at));
            }
            MemorySegment table = file.read(arena, at, bytes);
            long[] numbers = new long[count];
            for (int i = 0; i < count; i++) {
                numbers[i] = table.getAtIndex(Layout.LONG, i);
            }
            return numbers;
        }
    }

    /** {@return the clusters of all tables}, which are checked */
    private static MetadataClusters metadata(
            MetadataFile file, Header header, long l1At, long[] l1, long[] refcountTable) {
        long mask = header.clusterBytes() - 1L;
        List<Long> clusters = new ArrayList<>();
        clusters.add(0L);
        addRun(clusters, header, l1At, (long) l1.length * Long.BYTES);
        addRun(
                clusters,
                header,
                header.refcountTableOffset(),
                (long) refcountTable.length * Long.BYTES);
        for (long entry : refcountTable) {
            if (entry != 0) {
                require(file, entry >= 0 && (entry & mask) == 0, "a refcount block", entry, mask);
                clusters.add(entry >>> header.clusterBits());
            }
        }
        for (long entry : l1) {
            long at = Layout.offset(entry);
            boolean isFit = (entry & Layout.L1_RESERVED) == 0 && (at & mask) == 0;
            if (at != 0 || !isFit) {
                require(file, isFit, "an L2 table", at, mask);
                clusters.add(at >>> header.clusterBits());
            }
        }
        try {
            return MetadataClusters.of(clusters.stream().mapToLong(Long::longValue).toArray());
        } catch (MetadataClusters.DoubleUseException e) {
            throw Header.bad(
                    file.path(),
                    "two of its tables are at %d".formatted(e.cluster() << header.clusterBits()));
        }
    }

    private static void addRun(List<Long> clusters, Header header, long at, long bytes) {
        long end = at + bytes;
        for (long each = at; each < end; each += header.clusterBytes()) {
            clusters.add(each >>> header.clusterBits());
        }
    }

    private static void require(MetadataFile file, boolean isFit, String what, long at, long mask) {
        if (!isFit || at > file.length() - mask - 1) {
            throw Header.bad(file.path(), "it has %s at %d".formatted(what, at));
        }
    }

    /** Has an image ready to be changed. */
    private static void prepare(MetadataFile file, Header header) {
        long mask = header.clusterBytes() - 1L;
        if (file.canGrow()) {
            // So that its last cluster reads as zeroes behind what has been written.
            file.provide(file.length() + mask & ~mask);
        }
        if (header.autoclear() != 0) {
            // What these bits stand for, such as bitmaps, is not kept up here.
            try (Arena arena = Arena.ofConfined()) {
                file.write(arena.allocate(Long.BYTES), Layout.AUTOCLEAR_AT);
            }
            file.sync();
        }
    }

    private static @Nullable Target base(
            Path path, Header header, Qcow2Options options, Set<Path> over) {
        String name = header.backingFile();
        if (name == null) {
            return null;
        }
        String format =
                header.backingFormat() == null ? options.backingFormat() : header.backingFormat();
        if (format == null) {
            throw new UnfitFileException(
                    path,
                    ("does not say whether its backing file, %s, is raw or qcow2; say it, as a guess"
                                    + " would let what is in a raw file name other files")
                            .formatted(name));
        }
        Path below = resolve(path, name);
        return switch (format) {
            case RAW -> {
                requireNew(path, below, over);
                yield new FileTarget(
                        BackingFile.open(
                                below, FileOptions.of(options.caching()).withReadOnly(true)));
            }
            case QCOW2 ->
                    new Qcow2Target(
                            open(below, options.withSnapshot(null).withReadOnly(true), over));
            default ->
                    throw new UnfitFileException(
                            path,
                            "has a backing file of the format '%s'; only raw and qcow2 are supported"
                                    .formatted(format));
        };
    }

    private static void requireNew(Path path, Path below, Set<Path> over) {
        if (over.contains(real(below))) {
            throw new UnfitFileException(path, "is its own backing file");
        }
    }

    /** A relative name begins in the folder of the image. */
    private static Path resolve(Path image, String name) {
        String file = name.startsWith("file:") ? name.substring("file:".length()) : name;
        int colon = file.indexOf(':');
        if (colon >= 0 && !file.substring(0, colon).contains("/")) {
            throw new UnfitFileException(
                    image, "has a backing file that is none, which is not supported: " + name);
        }
        try {
            return image.resolveSibling(file);
        } catch (InvalidPathException e) {
            throw new UnfitFileException(image, "has a backing file without a name: " + name);
        }
    }
}
