package dev.ublk4j.server;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import java.util.ArrayList;
import java.util.List;

/**
 * What a device has promised its users, held against what another target can keep.
 *
 * <p>The block layer and file systems have read the parameters once, and go on to rely on them: a
 * device without a volatile cache is never sent a flush, whatever its next target needs. The driver
 * takes no other parameters for a device that is in use.
 *
 * <p>Not compared is what is but advice: whether seeking costs, and the best size of a request.
 */
final class Promises {
    private final DeviceParams.Basic basic;
    private final DeviceParams params;
    private final DeviceInfo info;
    private final List<String> broken = new ArrayList<>();

    /**
     * Reads what was promised.
     *
     * @throws IllegalArgumentException when the device has never been started
     */
    Promises(DeviceInfo info, DeviceParams params) {
        DeviceParams.Basic included = params.basic();
        if (included == null) {
            throw new IllegalArgumentException(
                    "device %d has never been started".formatted(info.deviceId()));
        }
        this.info = info;
        this.params = params;
        this.basic = included;
    }

    /**
     * {@return the target's geometry in the size and with the blocks that the device has}
     *
     * @throws IllegalArgumentException when the target cannot keep what was promised, with all that
     *     it cannot
     */
    Geometry keptBy(Target target, Geometry own) {
        long size = Sectors.toBytes(basic.devSectors());
        int blockSize = 1 << basic.logicalBsShift();
        if (own.size() < size) {
            broken.add("it has %d bytes, the device %d".formatted(own.size(), size));
        }
        if (own.logicalBlockSize() > blockSize) {
            broken.add(
                    "its blocks have %d bytes, those of the device %d"
                            .formatted(own.logicalBlockSize(), blockSize));
        } else {
            comparePhysicalBlocks(Math.max(blockSize, own.physicalBlockSize()));
        }
        compareDurability(own);
        compareLimits(own);
        compareSegments(own);
        compareDiscards(own);
        compareZones(own);
        compareIntegrity(own);
        String unfit = Mode.unfit(info.flags(), target);
        if (unfit != null) {
            broken.add(unfit);
        }
        if (!broken.isEmpty()) {
            throw new IllegalArgumentException(
                    "device %d cannot be served by this target: %s"
                            .formatted(info.deviceId(), String.join("; ", broken)));
        }
        return own.withBlockSize(blockSize).withSize(size);
    }

    private void comparePhysicalBlocks(int own) {
        int promised = 1 << basic.physicalBsShift();
        if (own != promised) {
            broken.add(
                    "its physical blocks have %d bytes, those of the device %d"
                            .formatted(own, promised));
        }
    }

    private boolean has(int attribute) {
        return (basic.attrs() & attribute) != 0;
    }

    private void compareDurability(Geometry own) {
        boolean writes = !has(Attr.UBLK_ATTR_READ_ONLY);
        if (own.readOnly() && writes) {
            broken.add("it is read-only, the device is writable");
        }
        if (!own.volatileCache() || !writes) {
            return;
        }
        if (!has(Attr.UBLK_ATTR_VOLATILE_CACHE)) {
            broken.add("it has a volatile cache, but the device has none and is sent no flushes");
        }
        if (has(Attr.UBLK_ATTR_FUA) && !own.forcedUnitAccess()) {
            broken.add("it does not support FUA, the device does");
        }
    }

    private void compareLimits(Geometry own) {
        long most = (long) basic.maxSectors() * Sectors.SIZE;
        if (own.maxIo() != 0 && own.maxIo() < most) {
            broken.add(
                    "it takes requests of up to %d bytes, the device of up to %d"
                            .formatted(own.maxIo(), most));
        }
        DeviceParams.DmaAlign align = params.dmaAlign();
        int aligned = (align == null ? Sectors.SIZE - 1 : align.alignment()) + 1;
        if (own.dmaAlignment() > aligned) {
            broken.add(
                    "it needs data aligned to %d bytes in memory, the device aligns to %d"
                            .formatted(own.dmaAlignment(), aligned));
        }
    }

    private void compareSegments(Geometry own) {
        DeviceParams.Segment promised = params.segment();
        long most = promised == null ? Long.MAX_VALUE : promised.maxSegments();
        long largest =
                promised == null
                        ? Long.MAX_VALUE
                        : Integer.toUnsignedLong(promised.maxSegmentSize());
        if (own.maxSegments() != 0 && own.maxSegments() < most) {
            broken.add(
                    "it takes %d segments of memory, the device more".formatted(own.maxSegments()));
        }
        if (own.maxSegmentSize() != 0 && own.maxSegmentSize() < largest) {
            broken.add(
                    "it takes segments of up to %d bytes of memory, the device larger ones"
                            .formatted(own.maxSegmentSize()));
        }
        if (own.segmentBoundary() != 0
                && (promised == null || promised.segBoundaryMask() >= own.segmentBoundary())) {
            broken.add(
                    "its segments cross no multiple of %d bytes of memory, those of the device do"
                            .formatted(own.segmentBoundary()));
        }
    }

    private void compareDiscards(Geometry own) {
        DeviceParams.Discard discard = params.discard();
        if (discard == null) {
            return;
        }
        compareRange("discards", own.maxDiscard(), discard.maxDiscardSectors());
        compareRange("writes zeroes", own.maxWriteZeroes(), discard.maxWriteZeroesSectors());
        if (discard.maxDiscardSectors() != 0
                && own.discardGranularity() > discard.discardGranularity()) {
            broken.add(
                    "it discards units of %d bytes, the device %d"
                            .formatted(own.discardGranularity(), discard.discardGranularity()));
        }
    }

    private void compareZones(Geometry own) {
        ZoneLimits zones = own.zones();
        DeviceParams.Zoned promised = params.zoned();
        if (zones == null || promised == null) {
            return; // the features of the device say so, which are compared
        }
        long zoneSize = Sectors.toBytes(Integer.toUnsignedLong(basic.chunkSectors()));
        if (zones.zoneSize() != zoneSize) {
            broken.add(
                    "its zones have %d bytes, those of the device %d"
                            .formatted(zones.zoneSize(), zoneSize));
        }
        compareZones("open", zones.maxOpen(), promised.maxOpenZones());
        compareZones("active", zones.maxActive(), promised.maxActiveZones());
    }

    private void compareIntegrity(Geometry own) {
        IntegrityFormat format = own.integrity();
        DeviceParams.Integrity promised = params.integrity();
        if (format == null || promised == null) {
            return; // the features of the device say so, which are compared
        }
        if (!Parameters.of(format).equals(promised)) {
            broken.add(
                    "its integrity metadata is not as that of the device, %s"
                            .formatted(IntegrityFormat.of(promised)));
        }
    }

    private void compareZones(String what, int own, int promised) {
        if (own != 0 && (promised == 0 || own < promised)) {
            broken.add(
                    "it has at most %d %s zones, the device %s"
                            .formatted(own, what, promised == 0 ? "any number" : promised));
        }
    }

    private void compareRange(String what, int own, int promisedSectors) {
        long promised = Integer.toUnsignedLong(promisedSectors) * Sectors.SIZE;
        if (own == 0 && promised != 0) {
            broken.add("it %s nothing, the device does".formatted(what));
        } else if (own < promised) {
            broken.add("it %s at most %d bytes, the device %d".formatted(what, own, promised));
        }
    }
}
