package dev.ublk4j.server;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import org.jspecify.annotations.Nullable;

/** A target's geometry in the words of the driver, {@code struct ublk_params}. */
final class Parameters {
    /** {@code BLK_SEG_BOUNDARY_MASK}. */
    private static final long NO_BOUNDARY = 0xFFFF_FFFFL;

    /** {@code UINT_MAX}. */
    private static final int ANY_SIZE = -1;

    /** {@code USHRT_MAX}. */
    private static final int ANY_NUMBER = 0xFFFF;

    private Parameters() {}

    static DeviceParams of(Geometry geometry, DeviceInfo info) {
        int maxIo =
                geometry.maxIo() == 0
                        ? info.maxIoBufBytes()
                        : Math.min(geometry.maxIo(), info.maxIoBufBytes());
        DeviceParams params =
                DeviceParams.of(
                        new DeviceParams.Basic(
                                attributes(geometry),
                                log2(geometry.logicalBlockSize()),
                                log2(geometry.physicalBlockSize()),
                                geometry.optimalIo() == 0
                                        ? log2(geometry.physicalBlockSize())
                                        : log2(geometry.optimalIo()),
                                log2(geometry.physicalBlockSize()),
                                maxIo / Sectors.SIZE,
                                chunkSectors(geometry.zones()),
                                geometry.size() / Sectors.SIZE,
                                0));
        if (geometry.maxDiscard() != 0 || geometry.maxWriteZeroes() != 0) {
            params =
                    params.with(
                            new DeviceParams.Discard(
                                    0,
                                    // The driver wants one even where only zeroes are written.
                                    Math.max(
                                            geometry.discardGranularity(),
                                            geometry.logicalBlockSize()),
                                    geometry.maxDiscard() / Sectors.SIZE,
                                    geometry.maxWriteZeroes() / Sectors.SIZE,
                                    geometry.maxDiscard() == 0 ? 0 : 1));
        }
        if (geometry.limitsSegments()) {
            params = params.with(segments(geometry));
        }
        ZoneLimits zones = geometry.zones();
        if (zones != null) {
            params =
                    params.with(
                            new DeviceParams.Zoned(
                                    zones.maxOpen(),
                                    zones.maxActive(),
                                    (int) (Math.min(maxIo, zones.zoneCapacity()) / Sectors.SIZE)));
        }
        IntegrityFormat integrity = geometry.integrity();
        if (integrity != null) {
            params = params.with(of(integrity));
        }
        return params.with(new DeviceParams.DmaAlign(geometry.dmaAlignment() - 1));
    }

    /** {@return the format of metadata in the words of the driver} */
    static DeviceParams.Integrity of(IntegrityFormat format) {
        int capable = format.isCapable() ? ParamIntegrityLayout.LBMD_PI_CAP_INTEGRITY : 0;
        int tags = format.hasReferenceTags() ? ParamIntegrityLayout.LBMD_PI_CAP_REFTAG : 0;
        return new DeviceParams.Integrity(
                capable | tags,
                0,
                log2(format.interval()),
                format.metadataSize(),
                format.offset(),
                format.checksum().code(),
                format.tagSize());
    }

    /** The driver takes the three limits together, so those that were not given are its own. */
    private static DeviceParams.Segment segments(Geometry geometry) {
        return new DeviceParams.Segment(
                geometry.segmentBoundary() == 0 ? NO_BOUNDARY : geometry.segmentBoundary() - 1,
                geometry.maxSegmentSize() == 0 ? ANY_SIZE : (int) geometry.maxSegmentSize(),
                geometry.maxSegments() == 0 ? ANY_NUMBER : geometry.maxSegments());
    }

    /** No request crosses the end of a zone. */
    private static int chunkSectors(@Nullable ZoneLimits zones) {
        return zones == null ? 0 : (int) (zones.zoneSize() / Sectors.SIZE);
    }

    private static int attributes(Geometry geometry) {
        return (geometry.readOnly() ? Attr.UBLK_ATTR_READ_ONLY : 0)
                | (geometry.rotational() ? Attr.UBLK_ATTR_ROTATIONAL : 0)
                | (geometry.volatileCache() ? Attr.UBLK_ATTR_VOLATILE_CACHE : 0)
                | (geometry.forcedUnitAccess() ? Attr.UBLK_ATTR_FUA : 0);
    }

    private static int log2(int powerOfTwo) {
        return Integer.numberOfTrailingZeros(powerOfTwo);
    }
}
