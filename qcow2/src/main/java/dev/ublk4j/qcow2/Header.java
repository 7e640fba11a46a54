package dev.ublk4j.qcow2;

import dev.ublk4j.targets.UnfitFileException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the first cluster of an image says.
 *
 * @param version 2 or 3
 * @param clusterBits the logarithm of the cluster size
 * @param size bytes of the disk
 * @param l1Entries of the active L1 table
 * @param refcountOrder the logarithm of the bits of a refcount
 * @param incompatible feature bits that have to be known
 * @param autoclear feature bits of what has to be kept up
 * @param compression 0 for zlib, 1 for zstd
 * @param backingFile as the image names it
 * @param backingFormat of the backing file
 */
record Header(
        int version,
        int clusterBits,
        long size,
        long l1Offset,
        int l1Entries,
        long refcountTableOffset,
        int refcountTableClusters,
        int snapshots,
        long snapshotsOffset,
        int refcountOrder,
        long incompatible,
        long autoclear,
        int compression,
        @Nullable String backingFile,
        @Nullable String backingFormat) {
    /** As QEMU has it: 32 MiB of L1 table, 8 MiB of refcount table. */
    static final int MOST_L1_ENTRIES = 32 << 20 >>> 3;

    static final int MOST_REFCOUNT_TABLE_BYTES = 8 << 20;

    private static final int MOST_NAME_BYTES = 1023;
    private static final int MOST_SNAPSHOTS = 65536;
    private static final int MOST_REFCOUNT_ORDER = 6;
    private static final int FEATURE_BYTES = 48;

    /** What is not checked is not used: the cluster size comes first. */
    static Header read(MetadataFile file) {
        Path path = file.path();
        try (Arena arena = Arena.ofConfined()) {
            long have = Math.min(file.length(), 1L << Layout.MAX_CLUSTER_BITS);
            if (have < Layout.V2_BYTES) {
                throw new UnfitFileException(path, "is no qcow2 image");
            }
            MemorySegment head = file.read(arena, 0, Math.min(have, 4096));
            if (head.get(Layout.INT, 0) != Layout.MAGIC) {
                throw new UnfitFileException(path, "is no qcow2 image");
            }
            int version = head.get(Layout.INT, 4);
            if (version != 2 && version != 3) {
                throw new UnfitFileException(
                        path, "is a qcow2 image of version %d, not 2 or 3".formatted(version));
            }
            int bits = head.get(Layout.INT, Layout.CLUSTER_BITS_AT);
            if (bits < Layout.MIN_CLUSTER_BITS || bits > Layout.MAX_CLUSTER_BITS) {
                throw bad(path, "its clusters have 2^%d bytes".formatted(bits));
            }
            MemorySegment first = file.read(arena, 0, Math.min(have, 1L << bits));
            return parse(path, first, version, bits);
        } catch (IndexOutOfBoundsException e) {
            throw bad(path, "its header is cut off");
        }
    }

    private static Header parse(Path path, MemorySegment head, int version, int bits) {
        long incompatible = version == 2 ? 0 : head.get(Layout.LONG, 72);
        int headerBytes = version == 2 ? Layout.V2_BYTES : head.get(Layout.INT, 100);
        if (version == 3
                && (headerBytes < Layout.V3_BYTES
                        || headerBytes % 8 != 0
                        || headerBytes > head.byteSize())) {
            throw bad(path, "its header has %d bytes".formatted(headerBytes));
        }
        Extensions extensions = Extensions.read(path, head, headerBytes);
        requireKnown(path, incompatible, extensions.features());
        if (head.get(Layout.INT, 32) != 0) {
            throw new UnfitFileException(path, "is encrypted, which is not supported");
        }
        long nameAt = head.get(Layout.LONG, 8);
        int nameBytes = head.get(Layout.INT, 16);
        Header header =
                new Header(
                        version,
                        bits,
                        head.get(Layout.LONG, 24),
                        head.get(Layout.LONG, 40),
                        head.get(Layout.INT, 36),
                        head.get(Layout.LONG, Layout.REFCOUNT_TABLE_OFFSET_AT),
                        head.get(Layout.INT, Layout.REFCOUNT_TABLE_CLUSTERS_AT),
                        head.get(Layout.INT, 60),
                        head.get(Layout.LONG, 64),
                        version == 2 ? 4 : head.get(Layout.INT, 96),
                        incompatible,
                        version == 2 ? 0 : head.get(Layout.LONG, Layout.AUTOCLEAR_AT),
                        headerBytes > Layout.V3_BYTES ? head.get(ValueLayout.JAVA_BYTE, 104) : 0,
                        nameAt == 0 ? null : name(path, head, nameAt, nameBytes),
                        extensions.backingFormat());
        header.check(path);
        return header;
    }

    private static String name(Path path, MemorySegment head, long at, int bytes) {
        if (bytes <= 0 || bytes > MOST_NAME_BYTES || at < 0 || at > head.byteSize() - bytes) {
            throw bad(path, "the name of its backing file is not in its first cluster");
        }
        return text(head, at, bytes);
    }

    private static String text(MemorySegment head, long at, int bytes) {
        byte[] name = head.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE);
        return new String(name, StandardCharsets.UTF_8);
    }

    private void check(Path path) {
        if (size <= 0 || size % Layout.SECTOR != 0) {
            throw bad(path, "its disk has %d bytes".formatted(size));
        }
        requireL1(path, "L1 table", l1Entries, l1Offset, size);
        long tableBytes = (long) refcountTableClusters << clusterBits;
        if (refcountTableClusters <= 0 || tableBytes > MOST_REFCOUNT_TABLE_BYTES) {
            throw bad(path, "its refcount table has %d clusters".formatted(refcountTableClusters));
        }
        requireAligned(path, "refcount table", refcountTableOffset);
        if (refcountOrder < 0 || refcountOrder > MOST_REFCOUNT_ORDER) {
            throw bad(path, "its refcounts have 2^%d bits".formatted(refcountOrder));
        }
        if (snapshots < 0 || snapshots > MOST_SNAPSHOTS) {
            throw bad(path, "it has %d snapshots".formatted(Integer.toUnsignedLong(snapshots)));
        }
        if (snapshots > 0) {
            requireAligned(path, "snapshot table", snapshotsOffset);
        }
        boolean named = (incompatible & Layout.COMPRESSION_TYPE) != 0;
        if (named == (compression == 0)) {
            throw bad(path, "its compression type is %d".formatted(compression));
        }
        if (compression != 0) {
            throw new UnfitFileException(
                    path,
                    (compression == 1 ? "is compressed with zstd" : "is compressed in a new way")
                            + ", which is not supported; qemu-img convert makes a copy that is not");
        }
    }

    /** Refuses an L1 table that is not where one can be, or does not reach the disk's end. */
    void requireL1(Path path, String what, int entries, long offset, long diskBytes) {
        long needed = l1Needed(diskBytes);
        if (entries < 0 || entries > MOST_L1_ENTRIES || needed > MOST_L1_ENTRIES) {
            throw bad(
                    path,
                    "its %s has %d entries, and its disk %d bytes"
                            .formatted(what, Integer.toUnsignedLong(entries), diskBytes));
        }
        if (entries < needed) {
            throw bad(
                    path,
                    "its %s has %d entries, and %d are needed".formatted(what, entries, needed));
        }
        requireAligned(path, what, offset);
    }

    private void requireAligned(Path path, String what, long offset) {
        if (offset <= 0 || (offset & (clusterBytes() - 1)) != 0) {
            throw bad(path, "its %s is at %d".formatted(what, offset));
        }
    }

    static UnfitFileException bad(Path path, String why) {
        return new UnfitFileException(path, "is a damaged qcow2 image: " + why);
    }

    private static void requireKnown(Path path, long bits, List<Feature> names) {
        requireNone(path, bits, Layout.EXTERNAL_DATA, "an external data file");
        requireNone(path, bits, Layout.EXTENDED_L2, "subclusters (extended L2 entries)");
        long unknown = bits & ~(Layout.DIRTY | Layout.CORRUPT | Layout.COMPRESSION_TYPE);
        if (unknown != 0) {
            int bit = Long.numberOfTrailingZeros(unknown);
            String name =
                    names.stream()
                            .filter(each -> each.bit() == bit)
                            .map(Feature::name)
                            .findFirst()
                            .orElse("incompatible feature " + bit);
            requireNone(path, bits, unknown, name);
        }
    }

    private static void requireNone(Path path, long bits, long some, String what) {
        if ((bits & some) != 0) {
            throw new UnfitFileException(
                    path, "is a qcow2 image with %s, which is not supported".formatted(what));
        }
    }

    int clusterBytes() {
        return 1 << clusterBits;
    }

    /** {@return the logarithm of the bytes of the disk that an L2 table is about} */
    int tableBits() {
        return 2 * clusterBits - 3;
    }

    int l1Needed(long diskBytes) {
        long needed = ((diskBytes - 1) >>> tableBits()) + 1;
        return (int) Math.min(needed, Integer.MAX_VALUE);
    }

    boolean has(long incompatibleBit) {
        return (incompatible & incompatibleBit) != 0;
    }

    /** An incompatible feature, as the image names it. */
    private record Feature(int bit, String name) {}

    private record Extensions(@Nullable String backingFormat, List<Feature> features) {
        static Extensions read(Path path, MemorySegment head, int from) {
            String format = null;
            List<Feature> features = new ArrayList<>();
            long at = from;
            while (at + 8 <= head.byteSize()) {
                int type = head.get(Layout.INT, at);
                long bytes = Integer.toUnsignedLong(head.get(Layout.INT, at + 4));
                if (type == Layout.END_OF_EXTENSIONS) {
                    break;
                }
                at += 8;
                if (bytes > head.byteSize() - at) {
                    throw bad(path, "a header extension is longer than its first cluster");
                }
                if (type == Layout.BACKING_FORMAT) {
                    format = text(head, at, (int) bytes);
                } else if (type == Layout.FEATURE_NAMES) {
                    for (long each = at;
                            each + FEATURE_BYTES <= at + bytes;
                            each += FEATURE_BYTES) {
                        if (head.get(ValueLayout.JAVA_BYTE, each) == 0) {
                            features.add(
                                    new Feature(
                                            head.get(ValueLayout.JAVA_BYTE, each + 1),
                                            text(head, each + 2, FEATURE_BYTES - 2)
                                                    .replaceAll("\\p{Cntrl}", "")));
                        }
                    }
                }
                at += bytes + 7 & ~7L;
            }
            return new Extensions(format, features);
        }
    }
}
