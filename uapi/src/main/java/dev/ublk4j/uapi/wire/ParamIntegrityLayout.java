package dev.ublk4j.uapi.wire;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Integrity metadata of a device, {@link ParamType#UBLK_PARAM_TYPE_INTEGRITY}.
 *
 * <pre>{@code
 * struct ublk_param_integrity {
 *     __u32 flags;                   // LBMD_PI_CAP_*
 *     __u16 max_integrity_segments;  // 0: no limit
 *     __u8 interval_exp;             // power of two
 *     __u8 metadata_size;            // bytes, not 0
 *     __u8 pi_offset;                // bytes
 *     __u8 csum_type;                // LBMD_PI_CSUM_*
 *     __u8 tag_size;                 // bytes
 *     __u8 pad[5];
 * };
 * }</pre>
 *
 * <p>Flags and checksum types are those of {@code linux/fs.h}.
 */
public final class ParamIntegrityLayout {
    /** Fields in the order, sizes and offsets of {@code struct ublk_param_integrity}. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            JAVA_INT.withName("flags"),
                            JAVA_SHORT.withName("max_integrity_segments"),
                            JAVA_BYTE.withName("interval_exp"),
                            JAVA_BYTE.withName("metadata_size"),
                            JAVA_BYTE.withName("pi_offset"),
                            JAVA_BYTE.withName("csum_type"),
                            JAVA_BYTE.withName("tag_size"),
                            MemoryLayout.sequenceLayout(5, JAVA_BYTE).withName("pad"))
                    .withName("ublk_param_integrity");

    /** Bytes of one structure. */
    public static final int SIZE = 16;

    /** Metadata is integrity data. */
    public static final int LBMD_PI_CAP_INTEGRITY = 1;

    /** The protection information has a reference tag. */
    public static final int LBMD_PI_CAP_REFTAG = 1 << 1;

    /** No checksum. */
    public static final int LBMD_PI_CSUM_NONE = 0;

    /** The checksum of IP. */
    public static final int LBMD_PI_CSUM_IP = 1;

    /** CRC-16 of T10 DIF. */
    public static final int LBMD_PI_CSUM_CRC16_T10DIF = 2;

    /** CRC-64 of NVMe. */
    public static final int LBMD_PI_CSUM_CRC64_NVME = 4;

    private static final VarHandle FLAGS = LAYOUT.varHandle(groupElement("flags"));
    private static final VarHandle MAX_INTEGRITY_SEGMENTS =
            LAYOUT.varHandle(groupElement("max_integrity_segments"));
    private static final VarHandle INTERVAL_EXP = LAYOUT.varHandle(groupElement("interval_exp"));
    private static final VarHandle METADATA_SIZE = LAYOUT.varHandle(groupElement("metadata_size"));
    private static final VarHandle PI_OFFSET = LAYOUT.varHandle(groupElement("pi_offset"));
    private static final VarHandle CSUM_TYPE = LAYOUT.varHandle(groupElement("csum_type"));
    private static final VarHandle TAG_SIZE = LAYOUT.varHandle(groupElement("tag_size"));

    private ParamIntegrityLayout() {}

    /**
     * {@return the bytes of the protection information with such a checksum, 0 where there is none,
     * or -1 for an unknown type}
     *
     * @param csumType {@code LBMD_PI_CSUM_...}
     */
    public static int tupleSize(int csumType) {
        return switch (csumType) {
            case LBMD_PI_CSUM_NONE -> 0;
            case LBMD_PI_CSUM_IP, LBMD_PI_CSUM_CRC16_T10DIF -> 8;
            case LBMD_PI_CSUM_CRC64_NVME -> 16;
            default -> -1;
        };
    }

    /** {@return {@code LBMD_PI_CAP_...}} */
    public static int flags(MemorySegment segment, long base) {
        return (int) FLAGS.get(segment, base);
    }

    /** Sets {@code flags}, see {@link #flags(MemorySegment, long)}. */
    public static void flags(MemorySegment segment, long base, int value) {
        FLAGS.set(segment, base, value);
    }

    /** {@return the most segments of metadata in one request, 0 for no limit} */
    public static int maxIntegritySegments(MemorySegment segment, long base) {
        return Short.toUnsignedInt((short) MAX_INTEGRITY_SEGMENTS.get(segment, base));
    }

    /**
     * Sets {@code max_integrity_segments}, see {@link #maxIntegritySegments(MemorySegment, long)}.
     */
    public static void maxIntegritySegments(MemorySegment segment, long base, int value) {
        MAX_INTEGRITY_SEGMENTS.set(segment, base, (short) value);
    }

    /** {@return the bytes of data that one piece of metadata covers, as a power of two} */
    public static int intervalExp(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) INTERVAL_EXP.get(segment, base));
    }

    /** Sets {@code interval_exp}, see {@link #intervalExp(MemorySegment, long)}. */
    public static void intervalExp(MemorySegment segment, long base, int value) {
        INTERVAL_EXP.set(segment, base, (byte) value);
    }

    /** {@return the bytes of metadata per interval, not 0} */
    public static int metadataSize(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) METADATA_SIZE.get(segment, base));
    }

    /** Sets {@code metadata_size}, see {@link #metadataSize(MemorySegment, long)}. */
    public static void metadataSize(MemorySegment segment, long base, int value) {
        METADATA_SIZE.set(segment, base, (byte) value);
    }

    /** {@return the offset of the protection information in the metadata, bytes} */
    public static int piOffset(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) PI_OFFSET.get(segment, base));
    }

    /** Sets {@code pi_offset}, see {@link #piOffset(MemorySegment, long)}. */
    public static void piOffset(MemorySegment segment, long base, int value) {
        PI_OFFSET.set(segment, base, (byte) value);
    }

    /** {@return {@code LBMD_PI_CSUM_...}} */
    public static int csumType(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) CSUM_TYPE.get(segment, base));
    }

    /** Sets {@code csum_type}, see {@link #csumType(MemorySegment, long)}. */
    public static void csumType(MemorySegment segment, long base, int value) {
        CSUM_TYPE.set(segment, base, (byte) value);
    }

    /** {@return the bytes of the application tag} */
    public static int tagSize(MemorySegment segment, long base) {
        return Byte.toUnsignedInt((byte) TAG_SIZE.get(segment, base));
    }

    /** Sets {@code tag_size}, see {@link #tagSize(MemorySegment, long)}. */
    public static void tagSize(MemorySegment segment, long base, int value) {
        TAG_SIZE.set(segment, base, (byte) value);
    }
}
