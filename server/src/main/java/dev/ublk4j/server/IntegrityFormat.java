package dev.ublk4j.server;

import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import java.util.Arrays;
import java.util.Locale;

/**
 * What the integrity metadata of a device is like: some bytes for each interval of data, which
 * travel with it. In Linux this is {@code struct blk_integrity}.
 *
 * <p>Where there is a checksum, a part of the metadata is protection information: a checksum of the
 * interval, an application tag and, with reference tags, the number of the interval. Linux makes it
 * up for writes and checks it for reads, unless the application brings its own; a target keeps it
 * as it is. Without a checksum the metadata is the application's, and nobody checks it.
 *
 * <p>Start from {@link #t10Type1}, {@link #t10Type3} or {@link #ofSize}, and change what differs.
 *
 * @param metadataSize bytes of metadata for each interval, 1 to 255
 * @param checksum of the protection information
 * @param hasReferenceTags whether the protection information says which interval it is of: type 1
 *     of T10, and type 3 without
 * @param offset where in the metadata the protection information begins, bytes
 * @param tagSize bytes of the tag that is the application's, as {@code tag_size} of {@code
 *     /sys/block/ublkbN/integrity} tells; Linux does nothing with it
 * @param interval bytes of data for each piece of metadata, a power of two from 512 to the logical
 *     block size
 * @param isCapable what {@code device_is_integrity_capable} tells: whether the device keeps
 *     protection information
 */
public record IntegrityFormat(
        int metadataSize,
        Checksum checksum,
        boolean hasReferenceTags,
        int offset,
        int tagSize,
        int interval,
        boolean isCapable) {
    private static final int MOST = 0xff;
    private static final int LARGEST_INTERVAL = 4096;

    /** How protection information guards the data: {@code LBMD_PI_CSUM_...}. */
    public enum Checksum {
        /** Not at all: there is no protection information. */
        NONE(ParamIntegrityLayout.LBMD_PI_CSUM_NONE),

        /** The checksum of IP, 16 bits. */
        IP(ParamIntegrityLayout.LBMD_PI_CSUM_IP),

        /** The CRC of T10, 16 bits. */
        T10DIF(ParamIntegrityLayout.LBMD_PI_CSUM_CRC16_T10DIF),

        /** The CRC of NVMe, 64 bits. */
        NVME(ParamIntegrityLayout.LBMD_PI_CSUM_CRC64_NVME);

        private final int code;

        Checksum(int code) {
            this.code = code;
        }

        /** {@return {@code LBMD_PI_CSUM_...}} */
        public int code() {
            return code;
        }

        /**
         * {@return the bytes of protection information with this checksum, 0 where there is none}
         */
        public int tupleSize() {
            return ParamIntegrityLayout.tupleSize(code);
        }

        /** {@return the word for it, such as {@code t10dif}} */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Refuses what no driver takes. */
    public IntegrityFormat {
        require("bytes of metadata", metadataSize, 1, MOST);
        require("bytes of the tag", tagSize, 0, MOST);
        require("interval", interval, Sectors.SIZE, LARGEST_INTERVAL);
        require("offset of the protection information", offset, 0, MOST);
        if (Integer.bitCount(interval) != 1) {
            throw new IllegalArgumentException("interval is not a power of two: " + interval);
        }
        if (hasReferenceTags && checksum == Checksum.NONE) {
            throw new IllegalArgumentException(
                    "reference tags are part of protection information, which has a checksum");
        }
        if (offset + checksum.tupleSize() > metadataSize) {
            throw new IllegalArgumentException(
                    "%d bytes of protection information from byte %d on do not fit into %d bytes of metadata"
                            .formatted(checksum.tupleSize(), offset, metadataSize));
        }
    }

    /** Refuses a device whose blocks are less than an interval. */
    void requireFit(int logicalBlockSize) {
        if (interval > logicalBlockSize) {
            throw new IllegalArgumentException(
                    "interval of integrity metadata is more than the logical block size, %d: %d"
                            .formatted(logicalBlockSize, interval));
        }
    }

    private static void require(String what, int value, int from, int to) {
        if (value < from || value > to) {
            throw new IllegalArgumentException(
                    "%s is not between %d and %d: %d".formatted(what, from, to, value));
        }
    }

    /** {@return 8 bytes of protection information with reference tags, for each 512 bytes} */
    public static IntegrityFormat t10Type1() {
        return t10Type3().withReferenceTags(true);
    }

    /** {@return 8 bytes of protection information without reference tags, for each 512 bytes} */
    public static IntegrityFormat t10Type3() {
        return ofSize(Checksum.T10DIF.tupleSize()).withChecksum(Checksum.T10DIF).withCapable(true);
    }

    /** {@return metadata of the application's for each 512 bytes, of which nobody knows more} */
    public static IntegrityFormat ofSize(int bytes) {
        return new IntegrityFormat(bytes, Checksum.NONE, false, 0, 0, Sectors.SIZE, false);
    }

    /**
     * {@return the format of a device, by its parameters: {@code struct ublk_param_integrity}}
     *
     * @throws IllegalArgumentException for what no driver takes
     */
    public static IntegrityFormat ofParameters(
            int flags, int intervalExp, int metadataSize, int piOffset, int csumType, int tagSize) {
        Checksum checksum =
                Arrays.stream(Checksum.values())
                        .filter(each -> each.code() == csumType)
                        .findFirst()
                        .orElseThrow(() ->
                                new IllegalArgumentException("unknown checksum: " + csumType));
        return new IntegrityFormat(
                metadataSize,
                checksum,
                (flags & ParamIntegrityLayout.LBMD_PI_CAP_REFTAG) != 0,
                piOffset,
                tagSize,
                1 << intervalExp,
                (flags & ParamIntegrityLayout.LBMD_PI_CAP_INTEGRITY) != 0);
    }

    static IntegrityFormat of(DeviceParams.Integrity params) {
        return ofParameters(
                params.flags(),
                params.intervalExp(),
                params.metadataSize(),
                params.piOffset(),
                params.csumType(),
                params.tagSize());
    }

    /** {@return the same with more or less metadata, bytes for each interval} */
    public IntegrityFormat withMetadataSize(int bytes) {
        return new IntegrityFormat(
                bytes, checksum, hasReferenceTags, offset, tagSize, interval, isCapable);
    }

    /** {@return the same with another checksum} */
    public IntegrityFormat withChecksum(Checksum other) {
        return new IntegrityFormat(
                metadataSize, other, hasReferenceTags, offset, tagSize, interval, isCapable);
    }

    /** {@return the same with reference tags, or without} */
    public IntegrityFormat withReferenceTags(boolean has) {
        return new IntegrityFormat(
                metadataSize, checksum, has, offset, tagSize, interval, isCapable);
    }

    /** {@return the same with the protection information elsewhere in the metadata, bytes} */
    public IntegrityFormat withOffset(int bytes) {
        return new IntegrityFormat(
                metadataSize, checksum, hasReferenceTags, bytes, tagSize, interval, isCapable);
    }

    /** {@return the same with a tag of the application's, bytes} */
    public IntegrityFormat withTagSize(int bytes) {
        return new IntegrityFormat(
                metadataSize, checksum, hasReferenceTags, offset, bytes, interval, isCapable);
    }

    /** {@return the same for other intervals, bytes} */
    public IntegrityFormat withInterval(int bytes) {
        return new IntegrityFormat(
                metadataSize, checksum, hasReferenceTags, offset, tagSize, bytes, isCapable);
    }

    /** {@return the same, which tells that it keeps protection information, or not} */
    public IntegrityFormat withCapable(boolean capable) {
        return new IntegrityFormat(
                metadataSize, checksum, hasReferenceTags, offset, tagSize, interval, capable);
    }

    /** {@return the bytes of metadata for some of data, a whole number of intervals} */
    public long metadataOf(long bytes) {
        return bytes / interval * metadataSize;
    }

    /**
     * {@return the byte that metadata is full of where none has been written} Linux checks no
     * protection information that is full of ones; other metadata is zeroes.
     */
    public byte unwritten() {
        return (byte) (checksum == Checksum.NONE ? 0 : MOST);
    }

    /** {@return how Linux names it in {@code integrity/format}, with the size of the metadata} */
    @Override
    public String toString() {
        int type = hasReferenceTags ? 1 : 3;
        String name =
                switch (checksum) {
                    case NONE -> "nop";
                    case IP -> "T10-DIF-TYPE%d-IP".formatted(type);
                    case T10DIF -> "T10-DIF-TYPE%d-CRC".formatted(type);
                    case NVME -> "EXT-DIF-TYPE%d-CRC64".formatted(type);
                };
        return "%s, %d bytes for %d".formatted(name, metadataSize, interval);
    }
}
