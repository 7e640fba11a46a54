package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.block.DiskAttributes;
import dev.ublk4j.embedded.block.QueueLimits;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.ParamBasic;
import dev.ublk4j.uapi.wire.ParamDevt;
import dev.ublk4j.uapi.wire.ParamDiscard;
import dev.ublk4j.uapi.wire.ParamDmaAlign;
import dev.ublk4j.uapi.wire.ParamSegment;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.Params;
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

    /** {@code BLOCK_EXT_MAJOR}. */
    private static final int DISK_MAJOR = 259;

    private final MemorySegment bytes;
    private final int knownTypes;

    /**
     * Takes over zeroed memory of {@link Params#SIZE} bytes.
     *
     * @param knownTypes what is kept of {@code types}; the types of features that the driver lacks
     *     included
     */
    DeviceParameters(MemorySegment bytes, int knownTypes) {
        this.bytes = bytes;
        this.knownTypes = knownTypes;
    }

    /**
     * Takes over what is at an address; what is not valid clears all parameters.
     *
     * @param length bytes, at most {@link Params#SIZE}
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
        return (Params.types(bytes, 0) & type) != 0;
    }

    /** Drops the types that no driver knows. */
    private void keepKnownTypes() {
        Params.types(bytes, 0, Params.types(bytes, 0) & knownTypes);
    }

    /** Fills in what only the driver knows. */
    void fillDeviceNumbers(int deviceId, boolean hasDisk) {
        if ((knownTypes & ParamType.UBLK_PARAM_TYPE_DEVT) == 0) {
            return;
        }
        ParamDevt.charMajor(bytes, Params.DEVT, CHAR_MAJOR);
        ParamDevt.charMinor(bytes, Params.DEVT, deviceId);
        ParamDevt.diskMajor(bytes, Params.DEVT, hasDisk ? DISK_MAJOR : 0);
        ParamDevt.diskMinor(bytes, Params.DEVT, hasDisk ? deviceId : 0);
        Params.types(bytes, 0, Params.types(bytes, 0) | ParamType.UBLK_PARAM_TYPE_DEVT);
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
        if (has(ParamType.UBLK_PARAM_TYPE_ZONED)) {
            return Errno.EOPNOTSUPP.negated();
        }
        if (has(ParamType.UBLK_PARAM_TYPE_DMA_ALIGN) && !isDmaAlignmentValid()) {
            return INVALID;
        }
        if (has(ParamType.UBLK_PARAM_TYPE_SEGMENT) && !isSegmentValid()) {
            return INVALID;
        }
        return has(ParamType.UBLK_PARAM_TYPE_INTEGRITY) ? INVALID : VALID;
    }

    private boolean isBasicValid(int maxIoBytes) {
        int logical = ParamBasic.logicalBsShift(bytes, Params.BASIC);
        int physical = ParamBasic.physicalBsShift(bytes, Params.BASIC);
        int maxSectors = ParamBasic.maxSectors(bytes, Params.BASIC);
        return logical <= Pages.SHIFT
                && logical >= Sectors.SHIFT
                && physical <= MAX_IO_SHIFT
                && ParamBasic.ioMinShift(bytes, Params.BASIC) <= MAX_IO_SHIFT
                && ParamBasic.ioOptShift(bytes, Params.BASIC) <= MAX_IO_SHIFT
                && logical <= physical
                && Integer.compareUnsigned(maxSectors, maxIoBytes >>> Sectors.SHIFT) <= 0
                && Integer.compareUnsigned(maxSectors, PAGE_SECTORS) >= 0;
    }

    private boolean isDiscardValid() {
        boolean oneSegment =
                ParamDiscard.maxDiscardSectors(bytes, Params.DISCARD) == 0
                        || ParamDiscard.maxDiscardSegments(bytes, Params.DISCARD) == 1;
        return oneSegment && ParamDiscard.discardGranularity(bytes, Params.DISCARD) != 0;
    }

    private boolean isDmaAlignmentValid() {
        int alignment = ParamDmaAlign.alignment(bytes, Params.DMA);
        return Integer.compareUnsigned(alignment, Pages.SIZE) < 0
                && Integer.bitCount(alignment + 1) == 1;
    }

    private boolean isSegmentValid() {
        long boundary = ParamSegment.segBoundaryMask(bytes, Params.SEG) + 1;
        int maxBytes = ParamSegment.maxSegmentSize(bytes, Params.SEG);
        return Long.bitCount(boundary) == 1
                && Long.compareUnsigned(boundary, ParamSegment.UBLK_MIN_SEGMENT_SIZE) >= 0
                && Integer.compareUnsigned(maxBytes, ParamSegment.UBLK_MIN_SEGMENT_SIZE) >= 0;
    }

    /**
     * {@return the limits of the disk}
     *
     * @throws dev.ublk4j.linux.LinuxException {@code EINVAL} where the block layer refuses them
     */
    QueueLimits limits() {
        QueueLimits.Builder builder =
                QueueLimits.of(
                                1 << ParamBasic.logicalBsShift(bytes, Params.BASIC),
                                ParamBasic.maxSectors(bytes, Params.BASIC))
                        .physicalBlock(1 << ParamBasic.physicalBsShift(bytes, Params.BASIC))
                        .preferredIo(
                                1 << ParamBasic.ioMinShift(bytes, Params.BASIC),
                                1 << ParamBasic.ioOptShift(bytes, Params.BASIC))
                        .chunk(Integer.toUnsignedLong(ParamBasic.chunkSectors(bytes, Params.BASIC)))
                        .virtBoundary(ParamBasic.virtBoundaryMask(bytes, Params.BASIC));
        if (has(ParamType.UBLK_PARAM_TYPE_DISCARD)) {
            builder.discard(
                    Integer.toUnsignedLong(ParamDiscard.discardGranularity(bytes, Params.DISCARD)),
                    Integer.toUnsignedLong(ParamDiscard.discardAlignment(bytes, Params.DISCARD)),
                    Integer.toUnsignedLong(ParamDiscard.maxDiscardSectors(bytes, Params.DISCARD)),
                    ParamDiscard.maxDiscardSegments(bytes, Params.DISCARD));
            builder.writeZeroes(
                    Integer.toUnsignedLong(
                            ParamDiscard.maxWriteZeroesSectors(bytes, Params.DISCARD)));
        }
        if (has(ParamType.UBLK_PARAM_TYPE_DMA_ALIGN)) {
            builder.dmaAlignment(ParamDmaAlign.alignment(bytes, Params.DMA));
        }
        if (has(ParamType.UBLK_PARAM_TYPE_SEGMENT)) {
            builder.segments(
                    ParamSegment.segBoundaryMask(bytes, Params.SEG),
                    Integer.toUnsignedLong(ParamSegment.maxSegmentSize(bytes, Params.SEG)),
                    ParamSegment.maxSegments(bytes, Params.SEG));
        }
        return builder.build();
    }

    long devSectors() {
        return ParamBasic.devSectors(bytes, Params.BASIC);
    }

    void devSectors(long sectors) {
        ParamBasic.devSectors(bytes, Params.BASIC, sectors);
    }

    /** {@return what the disk does with writes} */
    DiskAttributes attributes() {
        int attributes = ParamBasic.attrs(bytes, Params.BASIC);
        return new DiskAttributes(
                (attributes & Attr.UBLK_ATTR_READ_ONLY) != 0,
                (attributes & Attr.UBLK_ATTR_VOLATILE_CACHE) != 0,
                (attributes & Attr.UBLK_ATTR_FUA) != 0);
    }
}
