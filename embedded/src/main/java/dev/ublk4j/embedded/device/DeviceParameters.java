package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.block.DiskAttributes;
import dev.ublk4j.embedded.block.QueueLimits;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.ParamBasicLayout;
import dev.ublk4j.uapi.wire.ParamDevtLayout;
import dev.ublk4j.uapi.wire.ParamDiscardLayout;
import dev.ublk4j.uapi.wire.ParamDmaAlignLayout;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import dev.ublk4j.uapi.wire.ParamSegmentLayout;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamZonedLayout;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.MemorySegment;

/**
 * The parameters of a device, kept as the bytes the server has set. Guarded by the device's mutex.
 */
final class DeviceParameters {
    private static final int VALID = 0;
    private static final int INVALID = Errno.EINVAL.negated();

    private static final int PAGE_SECTORS = Pages.SIZE >> Sectors.SHIFT;

    /** 256 MiB: the largest physical block, smallest and best I/O. */
    private static final int MAX_IO_SHIFT = 28;

    private static final int CHAR_MAJOR = 511;

    private static final int INTEGRITY_FLAGS =
            ParamIntegrityLayout.LBMD_PI_CAP_INTEGRITY | ParamIntegrityLayout.LBMD_PI_CAP_REFTAG;

    /** {@code BLOCK_EXT_MAJOR}. */
    private static final int DISK_MAJOR = 259;

    private final MemorySegment bytes;
    private final int knownTypes;
    private final boolean zoned;
    private final boolean hasIntegrity;

    /**
     * Takes over zeroed memory of {@link ParamsLayout#SIZE} bytes.
     *
     * @param knownTypes what is kept of {@code types}; the types of features that the driver lacks
     *     included
     * @param zoned whether the device has zones
     * @param hasIntegrity whether the device may have integrity metadata
     */
    DeviceParameters(MemorySegment bytes, int knownTypes, boolean zoned, boolean hasIntegrity) {
        this.bytes = bytes;
        this.knownTypes = knownTypes;
        this.zoned = zoned;
        this.hasIntegrity = hasIntegrity;
    }

    /**
     * Takes over what is at an address; what is not valid clears all parameters.
     *
     * @param length bytes, at most {@link ParamsLayout#SIZE}
     * @param maxIoBytes the device's {@code max_io_buf_bytes}
     * @return 0 or a negative errno
     */
    int set(long address, int length, int maxIoBytes) {
        int answer = UserMemory.read(address, bytes.asSlice(0, length));
        if (answer == 0) {
            keepKnownTypes();
            answer = validate(maxIoBytes);
        }
        if (answer < 0) {
            bytes.fill((byte) 0);
        }
        return answer;
    }

    /** Writes the first bytes of the parameters to an address; 0 or a negative errno. */
    int get(long address, int length) {
        return UserMemory.write(address, bytes.asSlice(0, length));
    }

    boolean has(int type) {
        return (ParamsLayout.types(bytes, 0) & type) != 0;
    }

    /** Drops the types that no driver knows. */
    private void keepKnownTypes() {
        ParamsLayout.types(bytes, 0, ParamsLayout.types(bytes, 0) & knownTypes);
    }

    /** Fills in what only the driver knows. */
    void fillDeviceNumbers(int deviceId, boolean hasDisk) {
        if ((knownTypes & ParamType.UBLK_PARAM_TYPE_DEVT) == 0) {
            return;
        }
        ParamDevtLayout.charMajor(bytes, ParamsLayout.DEVT, CHAR_MAJOR);
        ParamDevtLayout.charMinor(bytes, ParamsLayout.DEVT, deviceId);
        ParamDevtLayout.diskMajor(bytes, ParamsLayout.DEVT, hasDisk ? DISK_MAJOR : 0);
        ParamDevtLayout.diskMinor(bytes, ParamsLayout.DEVT, hasDisk ? deviceId : 0);
        ParamsLayout.types(bytes, 0, ParamsLayout.types(bytes, 0) | ParamType.UBLK_PARAM_TYPE_DEVT);
    }

    /**
     * {@return 0, or the errno of the first rule that the parameters break}
     *
     * @param maxIoBytes the device's {@code max_io_buf_bytes}
     */
    private int validate(int maxIoBytes) {
        if (!has(ParamType.UBLK_PARAM_TYPE_BASIC) || !isBasicValid(maxIoBytes)) {
            return INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_DISCARD) && !isDiscardValid()) {
            return INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_DEVT)) {
            return INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_ZONED) || zoned) {
            // As in the kernel, nothing that follows is looked at then.
            boolean both = has(ParamType.UBLK_PARAM_TYPE_ZONED) && zoned;
            return both && areZonesValid() ? VALID : INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_DMA_ALIGN) && !isDmaAlignmentValid()) {
            return INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_SEGMENT) && !isSegmentValid()) {
            return INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_INTEGRITY) && !isIntegrityValid()) {
            return INVALID;
        }
        return VALID;
    }

    private boolean isBasicValid(int maxIoBytes) {
        int logical = ParamBasicLayout.logicalBsShift(bytes, ParamsLayout.BASIC);
        int physical = ParamBasicLayout.physicalBsShift(bytes, ParamsLayout.BASIC);
        int maxSectors = ParamBasicLayout.maxSectors(bytes, ParamsLayout.BASIC);
        return logical <= Pages.SHIFT
                && logical >= Sectors.SHIFT
                && physical <= MAX_IO_SHIFT
                && ParamBasicLayout.ioMinShift(bytes, ParamsLayout.BASIC) <= MAX_IO_SHIFT
                && ParamBasicLayout.ioOptShift(bytes, ParamsLayout.BASIC) <= MAX_IO_SHIFT
                && logical <= physical
                && Integer.compareUnsigned(maxSectors, maxIoBytes >>> Sectors.SHIFT) <= 0
                && Integer.compareUnsigned(maxSectors, PAGE_SECTORS) >= 0
                && (!zoned || Integer.bitCount(zoneSectors()) == 1);
    }

    private int zoneSectors() {
        return ParamBasicLayout.chunkSectors(bytes, ParamsLayout.BASIC);
    }

    private boolean areZonesValid() {
        // Kept in an int by the kernel, too.
        int zones = (int) (devSectors() >>> Integer.numberOfTrailingZeros(zoneSectors()));
        int active = ParamZonedLayout.maxActiveZones(bytes, ParamsLayout.ZONED);
        int open = ParamZonedLayout.maxOpenZones(bytes, ParamsLayout.ZONED);
        return ParamZonedLayout.maxZoneAppendSectors(bytes, ParamsLayout.ZONED) != 0
                && Integer.compareUnsigned(active, zones) <= 0
                && Integer.compareUnsigned(open, zones) <= 0;
    }

    private boolean isDiscardValid() {
        boolean oneSegment =
                ParamDiscardLayout.maxDiscardSectors(bytes, ParamsLayout.DISCARD) == 0
                        || ParamDiscardLayout.maxDiscardSegments(bytes, ParamsLayout.DISCARD) == 1;
        return oneSegment
                && ParamDiscardLayout.discardGranularity(bytes, ParamsLayout.DISCARD) != 0;
    }

    private boolean isDmaAlignmentValid() {
        int alignment = ParamDmaAlignLayout.alignment(bytes, ParamsLayout.DMA);
        return Integer.compareUnsigned(alignment, Pages.SIZE) < 0
                && Integer.bitCount(alignment + 1) == 1;
    }

    private boolean isSegmentValid() {
        long boundary = ParamSegmentLayout.segBoundaryMask(bytes, ParamsLayout.SEG) + 1;
        int maxBytes = ParamSegmentLayout.maxSegmentSize(bytes, ParamsLayout.SEG);
        return Long.bitCount(boundary) == 1
                && Long.compareUnsigned(boundary, ParamSegmentLayout.UBLK_MIN_SEGMENT_SIZE) >= 0
                && Integer.compareUnsigned(maxBytes, ParamSegmentLayout.UBLK_MIN_SEGMENT_SIZE) >= 0;
    }

    private boolean isIntegrityValid() {
        int flags = ParamIntegrityLayout.flags(bytes, ParamsLayout.INTEGRITY);
        int checksum = ParamIntegrityLayout.csumType(bytes, ParamsLayout.INTEGRITY);
        int interval = ParamIntegrityLayout.intervalExp(bytes, ParamsLayout.INTEGRITY);
        int size = ParamIntegrityLayout.metadataSize(bytes, ParamsLayout.INTEGRITY);
        int tuple = ParamIntegrityLayout.tupleSize(checksum);
        boolean hasReferenceTag = (flags & ParamIntegrityLayout.LBMD_PI_CAP_REFTAG) != 0;
        return hasIntegrity
                && (flags & ~INTEGRITY_FLAGS) == 0
                && tuple >= 0
                && size != 0
                && (tuple != 0 || !hasReferenceTag)
                && ParamIntegrityLayout.piOffset(bytes, ParamsLayout.INTEGRITY) + tuple <= size
                && interval >= Sectors.SHIFT
                && interval <= ParamBasicLayout.logicalBsShift(bytes, ParamsLayout.BASIC);
    }

    /**
     * {@return the limits of the disk}
     *
     * @throws dev.ublk4j.linux.LinuxException {@code EINVAL} where the block layer refuses them
     */
    QueueLimits limits() {
        QueueLimits.Builder builder =
                QueueLimits.of(
                                1 << ParamBasicLayout.logicalBsShift(bytes, ParamsLayout.BASIC),
                                ParamBasicLayout.maxSectors(bytes, ParamsLayout.BASIC))
                        .physicalBlock(
                                1 << ParamBasicLayout.physicalBsShift(bytes, ParamsLayout.BASIC))
                        .preferredIo(
                                1 << ParamBasicLayout.ioMinShift(bytes, ParamsLayout.BASIC),
                                1 << ParamBasicLayout.ioOptShift(bytes, ParamsLayout.BASIC))
                        .chunk(
                                Integer.toUnsignedLong(
                                        ParamBasicLayout.chunkSectors(bytes, ParamsLayout.BASIC)))
                        .virtBoundary(ParamBasicLayout.virtBoundaryMask(bytes, ParamsLayout.BASIC));
        if (has(ParamType.UBLK_PARAM_TYPE_DISCARD)) {
            builder.discard(
                    Integer.toUnsignedLong(
                            ParamDiscardLayout.discardGranularity(bytes, ParamsLayout.DISCARD)),
                    Integer.toUnsignedLong(
                            ParamDiscardLayout.discardAlignment(bytes, ParamsLayout.DISCARD)),
                    Integer.toUnsignedLong(
                            ParamDiscardLayout.maxDiscardSectors(bytes, ParamsLayout.DISCARD)),
                    ParamDiscardLayout.maxDiscardSegments(bytes, ParamsLayout.DISCARD));
            builder.writeZeroes(
                    Integer.toUnsignedLong(
                            ParamDiscardLayout.maxWriteZeroesSectors(bytes, ParamsLayout.DISCARD)));
        }
        if (has(ParamType.UBLK_PARAM_TYPE_ZONED)) {
            builder.zones(
                    ParamZonedLayout.maxOpenZones(bytes, ParamsLayout.ZONED),
                    ParamZonedLayout.maxActiveZones(bytes, ParamsLayout.ZONED),
                    Integer.toUnsignedLong(
                            ParamZonedLayout.maxZoneAppendSectors(bytes, ParamsLayout.ZONED)));
        }
        if (has(ParamType.UBLK_PARAM_TYPE_DMA_ALIGN)) {
            builder.dmaAlignment(ParamDmaAlignLayout.alignment(bytes, ParamsLayout.DMA));
        }
        if (has(ParamType.UBLK_PARAM_TYPE_SEGMENT)) {
            builder.segments(
                    ParamSegmentLayout.segBoundaryMask(bytes, ParamsLayout.SEG),
                    Integer.toUnsignedLong(
                            ParamSegmentLayout.maxSegmentSize(bytes, ParamsLayout.SEG)),
                    ParamSegmentLayout.maxSegments(bytes, ParamsLayout.SEG));
        }
        if (has(ParamType.UBLK_PARAM_TYPE_INTEGRITY) && !zoned) {
            builder.integrity(
                    1 << ParamIntegrityLayout.intervalExp(bytes, ParamsLayout.INTEGRITY),
                    ParamIntegrityLayout.metadataSize(bytes, ParamsLayout.INTEGRITY));
        }
        return builder.build();
    }

    int maxSectors() {
        return ParamBasicLayout.maxSectors(bytes, ParamsLayout.BASIC);
    }

    long devSectors() {
        return ParamBasicLayout.devSectors(bytes, ParamsLayout.BASIC);
    }

    void devSectors(long sectors) {
        ParamBasicLayout.devSectors(bytes, ParamsLayout.BASIC, sectors);
    }

    /** {@return what the disk does with writes} */
    DiskAttributes attributes() {
        int attributes = ParamBasicLayout.attrs(bytes, ParamsLayout.BASIC);
        return new DiskAttributes(
                (attributes & Attr.UBLK_ATTR_READ_ONLY) != 0,
                (attributes & Attr.UBLK_ATTR_VOLATILE_CACHE) != 0,
                (attributes & Attr.UBLK_ATTR_FUA) != 0);
    }
}
