package dev.ublk4j.qcow2;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The places of things in an image, and the bits of their entries. Numbers are big-endian. */
final class Layout {
    static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    static final int MAGIC = 0x514649fb;

    static final int CLUSTER_BITS_AT = 20;
    static final int REFCOUNT_TABLE_OFFSET_AT = 48;
    static final int REFCOUNT_TABLE_CLUSTERS_AT = 56;
    static final int AUTOCLEAR_AT = 88;
    static final int V2_BYTES = 72;
    static final int V3_BYTES = 104;

    static final long DIRTY = 1;
    static final long CORRUPT = 1 << 1;
    static final long EXTERNAL_DATA = 1 << 2;
    static final long COMPRESSION_TYPE = 1 << 3;
    static final long EXTENDED_L2 = 1 << 4;

    static final int END_OF_EXTENSIONS = 0;
    static final int BACKING_FORMAT = 0xe2792aca;
    static final int FEATURE_NAMES = 0x6803f857;

    static final int MIN_CLUSTER_BITS = 9;
    static final int MAX_CLUSTER_BITS = 21;

    /** Of an L1 or L2 entry: nobody else refers to what it names, which may be written in place. */
    static final long COPIED = 1L << 63;

    private static final long COMPRESSED = 1L << 62;

    /** Of an L2 entry: the cluster reads as zeroes. */
    static final long ZERO = 1;

    private static final long OFFSET = 0x00ff_ffff_ffff_fe00L;

    /** What has to be 0 in an entry of L1 and in one of L2. */
    static final long L1_RESERVED = ~(OFFSET | COPIED);

    private static final long L2_RESERVED = ~(OFFSET | COPIED | COMPRESSED | ZERO);

    /** The unit in which an image is written, and compressed data is measured. */
    static final int SECTOR = 512;

    private Layout() {}

    /** {@return where what an entry of L1, or of L2 that is not compressed, names begins, or 0} */
    static long offset(long entry) {
        return entry & OFFSET;
    }

    static boolean isCompressed(long entry) {
        return (entry & COMPRESSED) != 0;
    }

    static boolean isZero(long entry) {
        return !isCompressed(entry) && (entry & ZERO) != 0;
    }

    /** {@return whether the data of a cluster is in the image as it is} */
    static boolean isData(long entry) {
        return (entry & (COMPRESSED | ZERO)) == 0 && offset(entry) != 0;
    }

    /** {@return whether a cluster is in this image in no way, so that the backing file has it} */
    static boolean isUnallocated(long entry) {
        return (entry & (COMPRESSED | ZERO | OFFSET)) == 0;
    }

    /** {@return whether a write to a cluster goes to where its data is} */
    static boolean isInPlace(long entry) {
        return isData(entry) && (entry & COPIED) != 0;
    }

    static boolean hasReservedBits(long entry) {
        return !isCompressed(entry) && (entry & L2_RESERVED) != 0;
    }

    /** {@return where compressed data begins} */
    static long compressedOffset(long entry, int clusterBits) {
        return entry & ((1L << (70 - clusterBits)) - 1);
    }

    /** {@return how many bytes the compressed data has at most, from its beginning on} */
    static int compressedBytes(long entry, int clusterBits) {
        int bits = clusterBits - 8;
        long more = entry >>> (62 - bits) & ((1L << bits) - 1);
        long begin = compressedOffset(entry, clusterBits) & (SECTOR - 1);
        return (int) ((more + 1) * SECTOR - begin);
    }
}
