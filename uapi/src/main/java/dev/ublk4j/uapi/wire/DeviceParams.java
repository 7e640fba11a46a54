package dev.ublk4j.uapi.wire;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * {@link Params} read out of memory: the parts that are null were not included.
 *
 * <p>Build them from a basic part: {@code DeviceParams.of(basic).with(discard)}.
 *
 * @param basic size and shape, as {@link ParamBasic}
 * @param discard discard limits, as {@link ParamDiscard}
 * @param devt device numbers, as {@link ParamDevt}
 * @param zoned zone limits, as {@link ParamZoned}
 * @param dmaAlign data alignment, as {@link ParamDmaAlign}
 * @param segment segment limits, as {@link ParamSegment}
 * @param integrity integrity metadata, as {@link ParamIntegrity}
 */
public record DeviceParams(
        @Nullable Basic basic,
        @Nullable Discard discard,
        @Nullable Devt devt,
        @Nullable Zoned zoned,
        @Nullable DmaAlign dmaAlign,
        @Nullable Segment segment,
        @Nullable Integrity integrity) {

    /** {@return parameters of this part alone} */
    public static DeviceParams of(Basic basic) {
        return new DeviceParams(basic, null, null, null, null, null, null);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(Basic part) {
        return new DeviceParams(part, discard, devt, zoned, dmaAlign, segment, integrity);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(Discard part) {
        return new DeviceParams(basic, part, devt, zoned, dmaAlign, segment, integrity);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(Devt part) {
        return new DeviceParams(basic, discard, part, zoned, dmaAlign, segment, integrity);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(Zoned part) {
        return new DeviceParams(basic, discard, devt, part, dmaAlign, segment, integrity);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(DmaAlign part) {
        return new DeviceParams(basic, discard, devt, zoned, part, segment, integrity);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(Segment part) {
        return new DeviceParams(basic, discard, devt, zoned, dmaAlign, part, integrity);
    }

    /** {@return these parameters with the part replaced} */
    public DeviceParams with(Integrity part) {
        return new DeviceParams(basic, discard, devt, zoned, dmaAlign, segment, part);
    }

    /** {@return the included parts, see {@link ParamType}} */
    public int types() {
        return (basic != null ? ParamType.UBLK_PARAM_TYPE_BASIC : 0)
                | (discard != null ? ParamType.UBLK_PARAM_TYPE_DISCARD : 0)
                | (devt != null ? ParamType.UBLK_PARAM_TYPE_DEVT : 0)
                | (zoned != null ? ParamType.UBLK_PARAM_TYPE_ZONED : 0)
                | (dmaAlign != null ? ParamType.UBLK_PARAM_TYPE_DMA_ALIGN : 0)
                | (segment != null ? ParamType.UBLK_PARAM_TYPE_SEGMENT : 0)
                | (integrity != null ? ParamType.UBLK_PARAM_TYPE_INTEGRITY : 0);
    }

    /**
     * {@return the {@link Params} at offset {@code base}; parts that {@code types} lacks are null}
     */
    public static DeviceParams read(MemorySegment memory, long base) {
        int types = Params.types(memory, base);
        return new DeviceParams(
                (types & ParamType.UBLK_PARAM_TYPE_BASIC) != 0
                        ? Basic.read(memory, base + Params.BASIC)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_DISCARD) != 0
                        ? Discard.read(memory, base + Params.DISCARD)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_DEVT) != 0
                        ? Devt.read(memory, base + Params.DEVT)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_ZONED) != 0
                        ? Zoned.read(memory, base + Params.ZONED)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_DMA_ALIGN) != 0
                        ? DmaAlign.read(memory, base + Params.DMA)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_SEGMENT) != 0
                        ? Segment.read(memory, base + Params.SEG)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_INTEGRITY) != 0
                        ? Integrity.read(memory, base + Params.INTEGRITY)
                        : null);
    }

    /** Writes {@link Params} with their full length; what is not included becomes 0. */
    public void write(MemorySegment memory, long base) {
        memory.asSlice(base, Params.SIZE).fill((byte) 0);
        Params.len(memory, base, Params.SIZE);
        Params.types(memory, base, types());
        if (basic != null) {
            basic.write(memory, base + Params.BASIC);
        }
        if (discard != null) {
            discard.write(memory, base + Params.DISCARD);
        }
        if (devt != null) {
            devt.write(memory, base + Params.DEVT);
        }
        if (zoned != null) {
            zoned.write(memory, base + Params.ZONED);
        }
        if (dmaAlign != null) {
            dmaAlign.write(memory, base + Params.DMA);
        }
        if (segment != null) {
            segment.write(memory, base + Params.SEG);
        }
        if (integrity != null) {
            integrity.write(memory, base + Params.INTEGRITY);
        }
    }

    /**
     * Size and shape, as {@link ParamBasic}.
     *
     * @param attrs see {@link Attr}
     * @param logicalBsShift logical block size as a power of two
     * @param physicalBsShift physical block size as a power of two
     * @param ioOptShift best I/O size as a power of two
     * @param ioMinShift smallest good I/O size as a power of two
     * @param maxSectors largest request, sectors
     * @param chunkSectors boundary no request crosses, sectors; 0 for none
     * @param devSectors capacity, sectors
     * @param virtBoundaryMask mask of the boundary that segments meet at
     */
    public record Basic(
            int attrs,
            int logicalBsShift,
            int physicalBsShift,
            int ioOptShift,
            int ioMinShift,
            int maxSectors,
            int chunkSectors,
            long devSectors,
            long virtBoundaryMask) {
        static Basic read(MemorySegment memory, long base) {
            return new Basic(
                    ParamBasic.attrs(memory, base),
                    ParamBasic.logicalBsShift(memory, base),
                    ParamBasic.physicalBsShift(memory, base),
                    ParamBasic.ioOptShift(memory, base),
                    ParamBasic.ioMinShift(memory, base),
                    ParamBasic.maxSectors(memory, base),
                    ParamBasic.chunkSectors(memory, base),
                    ParamBasic.devSectors(memory, base),
                    ParamBasic.virtBoundaryMask(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamBasic.attrs(memory, base, attrs);
            ParamBasic.logicalBsShift(memory, base, logicalBsShift);
            ParamBasic.physicalBsShift(memory, base, physicalBsShift);
            ParamBasic.ioOptShift(memory, base, ioOptShift);
            ParamBasic.ioMinShift(memory, base, ioMinShift);
            ParamBasic.maxSectors(memory, base, maxSectors);
            ParamBasic.chunkSectors(memory, base, chunkSectors);
            ParamBasic.devSectors(memory, base, devSectors);
            ParamBasic.virtBoundaryMask(memory, base, virtBoundaryMask);
        }
    }

    /**
     * Discard limits, as {@link ParamDiscard}.
     *
     * @param discardAlignment offset of the first unit, bytes
     * @param discardGranularity bytes of a unit
     * @param maxDiscardSectors largest discard, sectors
     * @param maxWriteZeroesSectors largest write-zeroes, sectors
     * @param maxDiscardSegments most ranges in one discard
     */
    public record Discard(
            int discardAlignment,
            int discardGranularity,
            int maxDiscardSectors,
            int maxWriteZeroesSectors,
            int maxDiscardSegments) {
        static Discard read(MemorySegment memory, long base) {
            return new Discard(
                    ParamDiscard.discardAlignment(memory, base),
                    ParamDiscard.discardGranularity(memory, base),
                    ParamDiscard.maxDiscardSectors(memory, base),
                    ParamDiscard.maxWriteZeroesSectors(memory, base),
                    ParamDiscard.maxDiscardSegments(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamDiscard.discardAlignment(memory, base, discardAlignment);
            ParamDiscard.discardGranularity(memory, base, discardGranularity);
            ParamDiscard.maxDiscardSectors(memory, base, maxDiscardSectors);
            ParamDiscard.maxWriteZeroesSectors(memory, base, maxWriteZeroesSectors);
            ParamDiscard.maxDiscardSegments(memory, base, maxDiscardSegments);
        }
    }

    /**
     * Device numbers, as {@link ParamDevt}.
     *
     * @param charMajor major number of the character device
     * @param charMinor minor number of the character device
     * @param diskMajor major number of the block device
     * @param diskMinor minor number of the block device
     */
    public record Devt(int charMajor, int charMinor, int diskMajor, int diskMinor) {
        static Devt read(MemorySegment memory, long base) {
            return new Devt(
                    ParamDevt.charMajor(memory, base),
                    ParamDevt.charMinor(memory, base),
                    ParamDevt.diskMajor(memory, base),
                    ParamDevt.diskMinor(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamDevt.charMajor(memory, base, charMajor);
            ParamDevt.charMinor(memory, base, charMinor);
            ParamDevt.diskMajor(memory, base, diskMajor);
            ParamDevt.diskMinor(memory, base, diskMinor);
        }
    }

    /**
     * Zone limits, as {@link ParamZoned}.
     *
     * @param maxOpenZones most zones open at once
     * @param maxActiveZones most zones active at once
     * @param maxZoneAppendSectors largest zone append, sectors
     */
    public record Zoned(int maxOpenZones, int maxActiveZones, int maxZoneAppendSectors) {
        static Zoned read(MemorySegment memory, long base) {
            return new Zoned(
                    ParamZoned.maxOpenZones(memory, base),
                    ParamZoned.maxActiveZones(memory, base),
                    ParamZoned.maxZoneAppendSectors(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamZoned.maxOpenZones(memory, base, maxOpenZones);
            ParamZoned.maxActiveZones(memory, base, maxActiveZones);
            ParamZoned.maxZoneAppendSectors(memory, base, maxZoneAppendSectors);
        }
    }

    /**
     * Data alignment, as {@link ParamDmaAlign}.
     *
     * @param alignment mask that addresses of data must have clear
     */
    public record DmaAlign(int alignment) {
        static DmaAlign read(MemorySegment memory, long base) {
            return new DmaAlign(ParamDmaAlign.alignment(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamDmaAlign.alignment(memory, base, alignment);
        }
    }

    /**
     * Segment limits, as {@link ParamSegment}.
     *
     * @param segBoundaryMask mask of the boundary no segment crosses
     * @param maxSegmentSize bytes of the largest segment
     * @param maxSegments most segments in one request
     */
    public record Segment(long segBoundaryMask, int maxSegmentSize, int maxSegments) {
        static Segment read(MemorySegment memory, long base) {
            return new Segment(
                    ParamSegment.segBoundaryMask(memory, base),
                    ParamSegment.maxSegmentSize(memory, base),
                    ParamSegment.maxSegments(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamSegment.segBoundaryMask(memory, base, segBoundaryMask);
            ParamSegment.maxSegmentSize(memory, base, maxSegmentSize);
            ParamSegment.maxSegments(memory, base, maxSegments);
        }
    }

    /**
     * Integrity metadata, as {@link ParamIntegrity}.
     *
     * @param flags {@code LBMD_PI_CAP_...}
     * @param maxIntegritySegments most segments of metadata, 0 for no limit
     * @param intervalExp bytes of data per piece of metadata as a power of two
     * @param metadataSize bytes of metadata per interval
     * @param piOffset offset of the protection information, bytes
     * @param csumType {@code LBMD_PI_CSUM_...}
     * @param tagSize bytes of the application tag
     */
    public record Integrity(
            int flags,
            int maxIntegritySegments,
            int intervalExp,
            int metadataSize,
            int piOffset,
            int csumType,
            int tagSize) {
        static Integrity read(MemorySegment memory, long base) {
            return new Integrity(
                    ParamIntegrity.flags(memory, base),
                    ParamIntegrity.maxIntegritySegments(memory, base),
                    ParamIntegrity.intervalExp(memory, base),
                    ParamIntegrity.metadataSize(memory, base),
                    ParamIntegrity.piOffset(memory, base),
                    ParamIntegrity.csumType(memory, base),
                    ParamIntegrity.tagSize(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamIntegrity.flags(memory, base, flags);
            ParamIntegrity.maxIntegritySegments(memory, base, maxIntegritySegments);
            ParamIntegrity.intervalExp(memory, base, intervalExp);
            ParamIntegrity.metadataSize(memory, base, metadataSize);
            ParamIntegrity.piOffset(memory, base, piOffset);
            ParamIntegrity.csumType(memory, base, csumType);
            ParamIntegrity.tagSize(memory, base, tagSize);
        }
    }
}
