package dev.ublk4j.embedded.block;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.uapi.Sectors;

/**
 * What a request of a device may look like: the {@code queue_limits} that the block layer works
 * with once {@code START_DEV} has handed it the device's parameters. Get one from a {@link
 * Builder}, which fills in what the parameters leave open, as {@code blk_validate_limits} does.
 *
 * <p>Sectors have 512 bytes. A mask has the bits set that an aligned value has clear.
 *
 * @param logicalBlockBytes unit of addressing, a power of two, 512 to 4096
 * @param physicalBlockBytes a request that must be cut is cut at a multiple of this where possible
 * @param maxSectors most sectors of a read or write
 * @param chunkSectors no read, write or write-zeroes crosses a multiple of this; 0 for none
 * @param virtBoundaryMask segments of one request may meet only where their offsets are clear of
 *     this; 0 for anywhere
 * @param dmaAlignmentMask offset and length of each segment are clear of this
 * @param segBoundaryMask no segment crosses an address that is a multiple of this plus one; one
 *     that does counts as several
 * @param maxSegmentBytes a longer segment counts as several
 * @param maxSegments most segments of a request
 * @param maxDiscardSectors most sectors of a discard; 0 when discards are not supported
 * @param discardGranularityBytes unit of discards; 0 when discards are not supported
 * @param discardAlignmentBytes where the first unit of discards begins
 * @param maxDiscardSegments most ranges of a discard; always one range here, as nothing is merged
 * @param maxWriteZeroesSectors most sectors of a write-zeroes; 0 when that is not supported
 * @param maxZoneAppendSectors most sectors of a zone append; 0 for a disk without zones, which
 *     otherwise have {@code chunkSectors} each
 * @param intervalBytes bytes of data for each piece of integrity metadata; 0 without metadata
 * @param metadataBytes bytes of such a piece; 0 without metadata
 * @param maxMetadataSectors most sectors of metadata that come with one submission: what the device
 *     takes of data at a time
 */
public record QueueLimits(
        int logicalBlockBytes,
        int physicalBlockBytes,
        int maxSectors,
        long chunkSectors,
        long virtBoundaryMask,
        int dmaAlignmentMask,
        long segBoundaryMask,
        long maxSegmentBytes,
        int maxSegments,
        long maxDiscardSectors,
        long discardGranularityBytes,
        long discardAlignmentBytes,
        int maxDiscardSegments,
        long maxWriteZeroesSectors,
        long maxZoneAppendSectors,
        int intervalBytes,
        int metadataBytes,
        int maxMetadataSectors) {

    private static final long MAX_U32 = 0xffff_ffffL;
    private static final int MAX_U16 = 0xffff;

    /** {@code BLK_DEF_MAX_SECTORS_CAP}: requests stay at 4 MiB unless the device asks for more. */
    private static final int DEFAULT_MAX_BYTES = 4 << 20;

    /** {@code BLK_INTEGRITY_MAX_SIZE}: the most metadata of a request. */
    private static final int MAX_METADATA_BYTES = 2 << 20;

    /** {@code BLK_SEG_BOUNDARY_MASK}: what no boundary means. */
    private static final long DEFAULT_SEG_BOUNDARY_MASK = MAX_U32;

    /** {@code BLK_MAX_SEGMENTS}: what no number of segments means. */
    private static final int DEFAULT_MAX_SEGMENTS = 128;

    /** What {@code START_DEV} begins with: addresses are multiples of 4 bytes. */
    private static final int DEFAULT_DMA_ALIGNMENT_MASK = 3;

    /** {@return whether the disk has zones} */
    public boolean areZoned() {
        return maxZoneAppendSectors != 0;
    }

    /** {@return the bytes of integrity metadata for some of data, 0 for a disk without any} */
    public long metadataOf(long bytes) {
        return metadataBytes == 0 ? 0 : bytes / intervalBytes * metadataBytes;
    }

    /** The largest block of memory a segment may be to be taken without a closer look. */
    int fastSegmentBytes() {
        return (int) Math.min(Math.min(segBoundaryMask, maxSegmentBytes - 1) + 1, Pages.SIZE);
    }

    /**
     * {@return limits to be filled in, from {@code ublk_param_basic}}
     *
     * @param logicalBlockBytes {@code 1 << logical_bs_shift}
     * @param maxSectors {@code max_sectors}
     */
    public static Builder of(int logicalBlockBytes, int maxSectors) {
        return new Builder(logicalBlockBytes, maxSectors);
    }

    /**
     * A device's parameters on their way to limits. What is not set is what {@code START_DEV} takes
     * when the parameter is absent; the unsigned 32-bit values are given as they are, above 0.
     */
    public static final class Builder {
        private final int logicalBlockBytes;
        private final int maxSectors;
        private int physicalBlockBytes;
        private int ioMinBytes;
        private int ioOptBytes;
        private long chunkSectors;
        private long virtBoundaryMask;
        private int dmaAlignmentMask = DEFAULT_DMA_ALIGNMENT_MASK;
        private long segBoundaryMask;
        private long maxSegmentBytes = MAX_U32;
        private int maxSegments = MAX_U16;
        private long maxDiscardSectors;
        private long discardGranularityBytes;
        private long discardAlignmentBytes;
        private int maxDiscardSegments;
        private long maxWriteZeroesSectors;
        private boolean zoned;
        private int maxOpenZones;
        private int maxActiveZones;
        private long maxZoneAppendSectors;
        private int intervalBytes;
        private int metadataBytes;

        private Builder(int logicalBlockBytes, int maxSectors) {
            this.logicalBlockBytes = logicalBlockBytes;
            this.maxSectors = maxSectors;
        }

        /** Sets {@code 1 << physical_bs_shift}. */
        public Builder physicalBlock(int bytes) {
            physicalBlockBytes = bytes;
            return this;
        }

        /** Sets {@code 1 << io_min_shift} and {@code 1 << io_opt_shift}. */
        public Builder preferredIo(int minBytes, int optBytes) {
            ioMinBytes = minBytes;
            ioOptBytes = optBytes;
            return this;
        }

        /** Sets {@code chunk_sectors}. */
        public Builder chunk(long sectors) {
            chunkSectors = sectors;
            return this;
        }

        /** Sets {@code virt_boundary_mask}. */
        public Builder virtBoundary(long mask) {
            virtBoundaryMask = mask;
            return this;
        }

        /** Sets {@code ublk_param_dma_align.alignment}. */
        public Builder dmaAlignment(int mask) {
            dmaAlignmentMask = mask;
            return this;
        }

        /** Sets {@code ublk_param_segment}. */
        public Builder segments(long boundaryMask, long maxBytes, int max) {
            segBoundaryMask = boundaryMask;
            maxSegmentBytes = maxBytes;
            maxSegments = max;
            return this;
        }

        /** Sets the part of {@code ublk_param_discard} that is about discards. */
        public Builder discard(
                long granularityBytes, long alignmentBytes, long sectors, int ranges) {
            discardGranularityBytes = granularityBytes;
            discardAlignmentBytes = alignmentBytes;
            maxDiscardSectors = sectors;
            maxDiscardSegments = ranges;
            return this;
        }

        /** Sets {@code ublk_param_discard.max_write_zeroes_sectors}. */
        public Builder writeZeroes(long sectors) {
            maxWriteZeroesSectors = sectors;
            return this;
        }

        /** Sets {@code ublk_param_zoned}. */
        public Builder zones(int maxOpen, int maxActive, long maxAppendSectors) {
            zoned = true;
            maxOpenZones = maxOpen;
            maxActiveZones = maxActive;
            maxZoneAppendSectors = maxAppendSectors;
            return this;
        }

        /** Sets {@code 1 << interval_exp} and {@code metadata_size} of the integrity metadata. */
        public Builder integrity(int interval, int metadata) {
            intervalBytes = interval;
            metadataBytes = metadata;
            return this;
        }

        /**
         * {@return the limits}
         *
         * @throws LinuxException {@code EINVAL} where the block layer refuses the parameters
         */
        public QueueLimits build() {
            refuseUnless(isBlockSize(logicalBlockBytes), "logical block", logicalBlockBytes);
            refuseUnless(
                    physicalBlockBytes < logicalBlockBytes || isPowerOfTwo(physicalBlockBytes),
                    "physical block",
                    physicalBlockBytes);
            refuseUnless(maxSectors >= Pages.SIZE >> Sectors.SHIFT, "max_sectors", maxSectors);
            refuseUnless(
                    segBoundaryMask == 0
                            || Long.compareUnsigned(segBoundaryMask, Pages.SIZE - 1) >= 0,
                    "seg_boundary_mask",
                    segBoundaryMask);
            refuseUnless(
                    maxSegmentBytes == 0 || virtBoundaryMask != 0 || maxSegmentBytes >= Pages.SIZE,
                    "max_segment_size",
                    maxSegmentBytes);
            refuseUnless(dmaAlignmentMask <= Pages.SIZE, "dma alignment", dmaAlignmentMask);
            refuseUnless(
                    maxActiveZones == 0
                            || Integer.compareUnsigned(maxOpenZones, maxActiveZones) <= 0,
                    "max_open_zones",
                    maxOpenZones);
            int physical = Math.max(physicalBlockBytes, logicalBlockBytes);
            return new QueueLimits(
                    logicalBlockBytes,
                    physical,
                    effectiveMaxSectors(physical),
                    chunkSectors,
                    addressBits(virtBoundaryMask),
                    dmaAlignmentMask == 0 ? Sectors.SIZE - 1 : dmaAlignmentMask,
                    segBoundaryMask == 0 ? DEFAULT_SEG_BOUNDARY_MASK : addressBits(segBoundaryMask),
                    effectiveMaxSegmentBytes(),
                    maxSegments == 0 ? DEFAULT_MAX_SEGMENTS : maxSegments,
                    maxDiscardSectors,
                    maxDiscardSectors == 0 ? 0 : Math.max(discardGranularityBytes, physical),
                    discardAlignmentBytes,
                    Math.max(maxDiscardSegments, 1),
                    maxWriteZeroesSectors,
                    zoned ? Math.min(maxZoneAppendSectors, Math.min(chunkSectors, maxSectors)) : 0,
                    intervalBytes,
                    metadataBytes,
                    hardwareSectors());
        }

        private int hardwareSectors() {
            int blockSectors = logicalBlockBytes >> Sectors.SHIFT;
            return maxSectors / blockSectors * blockSectors;
        }

        private int effectiveMaxSectors(int physical) {
            int blockSectors = logicalBlockBytes >> Sectors.SHIFT;
            int opt = ioOptBytes / physical * physical;
            int min = Math.max(ioMinBytes, physical);
            int wanted = opt > DEFAULT_MAX_BYTES ? opt : Math.max(min, DEFAULT_MAX_BYTES);
            int sectors =
                    Math.min(hardwareSectors(), wanted >> Sectors.SHIFT)
                            / blockSectors
                            * blockSectors;
            return (int) Math.min(sectors, maxBytesWithMetadata() >> Sectors.SHIFT);
        }

        /** What one buffer of metadata is enough for: {@code max_integrity_io_size}. */
        private long maxBytesWithMetadata() {
            return metadataBytes == 0
                    ? Long.MAX_VALUE
                    : Math.min(
                            effectiveMaxSegmentBytes(),
                            (long) MAX_METADATA_BYTES / metadataBytes * intervalBytes);
        }

        private long effectiveMaxSegmentBytes() {
            if (maxSegmentBytes != 0) {
                return maxSegmentBytes;
            }
            return virtBoundaryMask != 0 ? MAX_U32 : 1 << 16;
        }

        /** A mask of all 64 bits without the sign: no address is that high. */
        private static long addressBits(long mask) {
            return mask & Long.MAX_VALUE;
        }

        private static boolean isBlockSize(int bytes) {
            return bytes >= Sectors.SIZE && bytes <= Pages.SIZE && isPowerOfTwo(bytes);
        }

        private static boolean isPowerOfTwo(int bytes) {
            return Integer.bitCount(bytes) == 1;
        }

        private static void refuseUnless(boolean valid, String limit, long value) {
            if (!valid) {
                throw new LinuxException(
                        "queue limits", limit + "=" + value, Errno.EINVAL.negated());
            }
        }
    }
}
