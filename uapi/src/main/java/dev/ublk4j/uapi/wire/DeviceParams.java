package dev.ublk4j.uapi.wire;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * {@link ParamsLayout} read out of memory: the parts that are null were not included.
 *
 * <p>Build them from a basic part: {@code DeviceParams.of(basic).with(discard)}.
 *
 * @param basic size and shape, as {@link ParamBasicLayout}
 * @param discard discard limits, as {@link ParamDiscardLayout}
 * @param devt device numbers, as {@link ParamDevtLayout}
 * @param zoned zone limits, as {@link ParamZonedLayout}
 * @param dmaAlign data alignment, as {@link ParamDmaAlignLayout}
 * @param segment segment limits, as {@link ParamSegmentLayout}
 * @param integrity integrity metadata, as {@link ParamIntegrityLayout}
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
     * {@return the {@link ParamsLayout} at offset {@code base}; parts that {@code types} lacks are
     * null}
     */
    public static DeviceParams read(MemorySegment memory, long base) {
        int types = ParamsLayout.types(memory, base);
        return new DeviceParams(
                (types & ParamType.UBLK_PARAM_TYPE_BASIC) != 0
                        ? Basic.read(memory, base + ParamsLayout.BASIC)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_DISCARD) != 0
                        ? Discard.read(memory, base + ParamsLayout.DISCARD)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_DEVT) != 0
                        ? Devt.read(memory, base + ParamsLayout.DEVT)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_ZONED) != 0
                        ? Zoned.read(memory, base + ParamsLayout.ZONED)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_DMA_ALIGN) != 0
                        ? DmaAlign.read(memory, base + ParamsLayout.DMA)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_SEGMENT) != 0
                        ? Segment.read(memory, base + ParamsLayout.SEG)
                        : null,
                (types & ParamType.UBLK_PARAM_TYPE_INTEGRITY) != 0
                        ? Integrity.read(memory, base + ParamsLayout.INTEGRITY)
                        : null);
    }

    /** Writes {@link ParamsLayout} with their full length; what is not included becomes 0. */
    public void write(MemorySegment memory, long base) {
        memory.asSlice(base, ParamsLayout.SIZE).fill((byte) 0);
        ParamsLayout.len(memory, base, ParamsLayout.SIZE);
        ParamsLayout.types(memory, base, types());
        if (basic != null) {
            basic.write(memory, base + ParamsLayout.BASIC);
        }
        if (discard != null) {
            discard.write(memory, base + ParamsLayout.DISCARD);
        }
        if (devt != null) {
            devt.write(memory, base + ParamsLayout.DEVT);
        }
        if (zoned != null) {
            zoned.write(memory, base + ParamsLayout.ZONED);
        }
        if (dmaAlign != null) {
            dmaAlign.write(memory, base + ParamsLayout.DMA);
        }
        if (segment != null) {
            segment.write(memory, base + ParamsLayout.SEG);
        }
        if (integrity != null) {
            integrity.write(memory, base + ParamsLayout.INTEGRITY);
        }
    }

    /**
     * Size and shape, as {@link ParamBasicLayout}.
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
                    ParamBasicLayout.attrs(memory, base),
                    ParamBasicLayout.logicalBsShift(memory, base),
                    ParamBasicLayout.physicalBsShift(memory, base),
                    ParamBasicLayout.ioOptShift(memory, base),
                    ParamBasicLayout.ioMinShift(memory, base),
                    ParamBasicLayout.maxSectors(memory, base),
                    ParamBasicLayout.chunkSectors(memory, base),
                    ParamBasicLayout.devSectors(memory, base),
                    ParamBasicLayout.virtBoundaryMask(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamBasicLayout.attrs(memory, base, attrs);
            ParamBasicLayout.logicalBsShift(memory, base, logicalBsShift);
            ParamBasicLayout.physicalBsShift(memory, base, physicalBsShift);
            ParamBasicLayout.ioOptShift(memory, base, ioOptShift);
            ParamBasicLayout.ioMinShift(memory, base, ioMinShift);
            ParamBasicLayout.maxSectors(memory, base, maxSectors);
            ParamBasicLayout.chunkSectors(memory, base, chunkSectors);
            ParamBasicLayout.devSectors(memory, base, devSectors);
            ParamBasicLayout.virtBoundaryMask(memory, base, virtBoundaryMask);
        }
    }

    /**
     * Discard limits, as {@link ParamDiscardLayout}.
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
                    ParamDiscardLayout.discardAlignment(memory, base),
                    ParamDiscardLayout.discardGranularity(memory, base),
                    ParamDiscardLayout.maxDiscardSectors(memory, base),
                    ParamDiscardLayout.maxWriteZeroesSectors(memory, base),
                    ParamDiscardLayout.maxDiscardSegments(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamDiscardLayout.discardAlignment(memory, base, discardAlignment);
            ParamDiscardLayout.discardGranularity(memory, base, discardGranularity);
            ParamDiscardLayout.maxDiscardSectors(memory, base, maxDiscardSectors);
            ParamDiscardLayout.maxWriteZeroesSectors(memory, base, maxWriteZeroesSectors);
            ParamDiscardLayout.maxDiscardSegments(memory, base, maxDiscardSegments);
        }
    }

    /**
     * Device numbers, as {@link ParamDevtLayout}.
     *
     * @param charMajor major number of the character device
     * @param charMinor minor number of the character device
     * @param diskMajor major number of the block device
     * @param diskMinor minor number of the block device
     */
    public record Devt(int charMajor, int charMinor, int diskMajor, int diskMinor) {
        static Devt read(MemorySegment memory, long base) {
            return new Devt(
                    ParamDevtLayout.charMajor(memory, base),
                    ParamDevtLayout.charMinor(memory, base),
                    ParamDevtLayout.diskMajor(memory, base),
                    ParamDevtLayout.diskMinor(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamDevtLayout.charMajor(memory, base, charMajor);
            ParamDevtLayout.charMinor(memory, base, charMinor);
            ParamDevtLayout.diskMajor(memory, base, diskMajor);
            ParamDevtLayout.diskMinor(memory, base, diskMinor);
        }
    }

    /**
     * ZoneLayout limits, as {@link ParamZonedLayout}.
     *
     * @param maxOpenZones most zones open at once
     * @param maxActiveZones most zones active at once
     * @param maxZoneAppendSectors largest zone append, sectors
     */
    public record Zoned(int maxOpenZones, int maxActiveZones, int maxZoneAppendSectors) {
        static Zoned read(MemorySegment memory, long base) {
            return new Zoned(
                    ParamZonedLayout.maxOpenZones(memory, base),
                    ParamZonedLayout.maxActiveZones(memory, base),
                    ParamZonedLayout.maxZoneAppendSectors(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamZonedLayout.maxOpenZones(memory, base, maxOpenZones);
            ParamZonedLayout.maxActiveZones(memory, base, maxActiveZones);
            ParamZonedLayout.maxZoneAppendSectors(memory, base, maxZoneAppendSectors);
        }
    }

    /**
     * Data alignment, as {@link ParamDmaAlignLayout}.
     *
     * @param alignment mask that addresses of data must have clear
     */
    public record DmaAlign(int alignment) {
        static DmaAlign read(MemorySegment memory, long base) {
            return new DmaAlign(ParamDmaAlignLayout.alignment(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamDmaAlignLayout.alignment(memory, base, alignment);
        }
    }

    /**
     * Segment limits, as {@link ParamSegmentLayout}.
     *
     * @param segBoundaryMask mask of the boundary no segment crosses
     * @param maxSegmentSize bytes of the largest segment
     * @param maxSegments most segments in one request
     */
    public record Segment(long segBoundaryMask, int maxSegmentSize, int maxSegments) {
        static Segment read(MemorySegment memory, long base) {
            return new Segment(
                    ParamSegmentLayout.segBoundaryMask(memory, base),
                    ParamSegmentLayout.maxSegmentSize(memory, base),
                    ParamSegmentLayout.maxSegments(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamSegmentLayout.segBoundaryMask(memory, base, segBoundaryMask);
            ParamSegmentLayout.maxSegmentSize(memory, base, maxSegmentSize);
            ParamSegmentLayout.maxSegments(memory, base, maxSegments);
        }
    }

    /**
     * Integrity metadata, as {@link ParamIntegrityLayout}.
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
                    ParamIntegrityLayout.flags(memory, base),
                    ParamIntegrityLayout.maxIntegritySegments(memory, base),
                    ParamIntegrityLayout.intervalExp(memory, base),
                    ParamIntegrityLayout.metadataSize(memory, base),
                    ParamIntegrityLayout.piOffset(memory, base),
                    ParamIntegrityLayout.csumType(memory, base),
                    ParamIntegrityLayout.tagSize(memory, base));
        }

        void write(MemorySegment memory, long base) {
            ParamIntegrityLayout.flags(memory, base, flags);
            ParamIntegrityLayout.maxIntegritySegments(memory, base, maxIntegritySegments);
            ParamIntegrityLayout.intervalExp(memory, base, intervalExp);
            ParamIntegrityLayout.metadataSize(memory, base, metadataSize);
            ParamIntegrityLayout.piOffset(memory, base, piOffset);
            ParamIntegrityLayout.csumType(memory, base, csumType);
            ParamIntegrityLayout.tagSize(memory, base, tagSize);
        }
    }
}
