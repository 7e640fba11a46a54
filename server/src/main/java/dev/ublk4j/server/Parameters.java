package dev.ublk4j.server;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;

/** A target's geometry in the words of the driver, {@code struct ublk_params}. */
final class Parameters {
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
                                maxIo / Request.SECTOR,
                                0,
                                geometry.size() / Request.SECTOR,
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
                                    geometry.maxDiscard() / Request.SECTOR,
                                    geometry.maxWriteZeroes() / Request.SECTOR,
                                    geometry.maxDiscard() == 0 ? 0 : 1));
        }
        return params.with(new DeviceParams.DmaAlign(geometry.dmaAlignment() - 1));
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
