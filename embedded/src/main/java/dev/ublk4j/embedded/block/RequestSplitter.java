package dev.ublk4j.embedded.block;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;

/**
 * Cuts a submission into requests that a device's limits allow, first to last.
 *
 * <p>A submitter keeps one splitter and uses it for one submission after the other:
 *
 * <pre>{@code
 * splitter.begin(op, sector, bytes, segments);
 * for (long length = splitter.next(); length > 0; length = splitter.next()) {
 *     // a request of length bytes from splitter.sector() on; its data begins
 *     // splitter.inSegment() bytes into segment splitter.segment()
 * }
 * }</pre>
 *
 * <p>The pieces follow each other without gap, and together are the submission. They are cut where
 * {@code block/blk-merge.c} cuts a {@code bio}; a cut submission is not an error for its client.
 * Nothing here allocates. One thread at a time; submitters have one each.
 */
public final class RequestSplitter {
    /*
     * What is kept from the block layer, on purpose, although it can surprise:
     *
     * - A cut is made at a multiple of the physical block size where the limit allows one, else at
     *   a multiple of the logical block size (get_max_io_size).
     * - Data in one segment that stays in one page is never looked at closer, so its request need
     *   not end at a physical block (bio_may_need_split), unless chunk_sectors is set.
     * - A segment that the limits take apart counts as several, but stays one segment of the
     *   request. Segments that touch count apart: the block layer does not join them at this point.
     * - The check for gaps looks at offsets within the first page of a segment plus its length.
     * - A limit on discards below their granularity, or on write-zeroes below the block size,
     *   leaves no cut to make, and the submission goes through whole.
     * - Discards are cut so that the next one begins at the granularity, even where that is no
     *   multiple of the logical block. That BLKDISCARD issues an unaligned head as a bio of its own
     *   (blk-lib.c) is the caller's side, before this.
     */

    /** {@code BIO_MAX_SIZE}: no request is larger than what a 32-bit count of bytes holds. */
    private static final long MAX_BYTES = 0xffff_ffffL;

    private final QueueLimits limits;
    private final int fastSegmentBytes;
    private final long blockMask;

    private int op;
    private Segments data = new Segments(0);

    /** Where the rest of the submission begins. */
    private long restSector;

    private long restBytes;
    private int restSegment;
    private int restSkip;

    /** The piece that {@link #next} found last. */
    private long pieceSector;

    private int pieceSegment;
    private int pieceSkip;

    /** What {@link #take} adds up. */
    private long takenBytes;

    private int takenSegments;

    /** Makes a splitter for the devices with these limits. */
    public RequestSplitter(QueueLimits limits) {
        this.limits = limits;
        this.fastSegmentBytes = limits.fastSegmentBytes();
        this.blockMask = limits.logicalBlockBytes() - 1L;
    }

    /** {@return the limits that requests are cut to} */
    public QueueLimits limits() {
        return limits;
    }

    /**
     * Says whether Linux would take a submission, with the error that a caller of the block device
     * sees. In the order of the checks:
     *
     * <ul>
     *   <li>an operation that is none of read, write, flush, discard, write-zeroes, or a discard or
     *       write-zeroes on a device that has no limit for it: {@code EOPNOTSUPP} ({@code
     *       submit_bio_noacct}, {@code blk_ioctl_discard})
     *   <li>a write or discard on a read-only device: {@code EPERM} ({@code blkdev_write_iter},
     *       {@code blk_ioctl_discard})
     *   <li>a write that begins at the end of the device or behind it: {@code ENOSPC} ({@code
     *       blkdev_write_iter})
     *   <li>start or length no multiple of the logical block, or an empty discard or write-zeroes:
     *       {@code EINVAL} ({@code blkdev_dio_invalid}, {@code blk_validate_byte_range}); as well
     *       segments that do not add up to the length, which no Linux caller can bring about
     *   <li>a discard or write-zeroes that reaches beyond the end: {@code EINVAL} ({@code
     *       blk_validate_byte_range}, {@code blk_ioctl_zeroout})
     *   <li>a write-zeroes on a read-only device: {@code EPERM}, later than for a write ({@code
     *       blkdev_issue_zeroout})
     *   <li>a read or write that reaches beyond the end: {@code EIO} ({@code bio_check_eod}).
     *       {@code read} and {@code write} first cut to the size of the device, and are short; that
     *       is the client's to do
     *   <li>a zone append that does not name the beginning of a zone, or is larger than one may be:
     *       {@code EIO} ({@code blk_check_zone_append})
     *   <li>a segment whose offset or length is not aligned for the device: {@code EINVAL} ({@code
     *       bio_iov_iter_get_pages}, {@code bio_split_io_at})
     * </ul>
     *
     * A change of a zone is refused with {@code EOPNOTSUPP} on a disk without zones, {@code EPERM}
     * on a read-only one, and {@code EINVAL} where it does not name the beginning of a zone ({@code
     * blkdev_zone_mgmt}).
     *
     * <p>An empty read, write or flush is valid and has no pieces.
     *
     * @param operation {@code UBLK_IO_OP_...}
     * @param startSector the first sector
     * @param bytes how many bytes of the device
     * @param segments the data of a read or write, empty for other operations
     * @param deviceSectors capacity of the device
     * @param readOnly whether the device refuses changes
     * @return 0, or a negative errno
     */
    public int validate(
            int operation,
            long startSector,
            long bytes,
            Segments segments,
            long deviceSectors,
            boolean readOnly) {
        boolean carriesData = carriesData(operation);
        if (!isSupported(operation)) {
            return Errno.EOPNOTSUPP.negated();
        }
        if (operation == IoOp.UBLK_IO_OP_REPORT_ZONES) {
            return 0; // the driver's own, and no bytes of the disk
        }
        if (Zones.changes(operation)) {
            return validateChangeOfZone(operation, startSector, bytes, deviceSectors, readOnly);
        }
        if (operation == IoOp.UBLK_IO_OP_FLUSH) {
            return bytes == 0 && segments.count() == 0 ? 0 : Errno.EINVAL.negated();
        }
        boolean zeroes = operation == IoOp.UBLK_IO_OP_WRITE_ZEROES;
        if (readOnly && operation != IoOp.UBLK_IO_OP_READ && !zeroes) {
            return Errno.EPERM.negated();
        }
        if (operation == IoOp.UBLK_IO_OP_WRITE
                && bytes > 0
                && Long.compareUnsigned(startSector, deviceSectors) >= 0) {
            return Errno.ENOSPC.negated();
        }
        long blockSectorMask = blockMask >> Sectors.SHIFT;
        if (bytes < 0
                || (bytes & blockMask) != 0
                || (startSector & blockSectorMask) != 0
                || segments.bytes() != (carriesData ? bytes : 0)
                || (bytes == 0 && !carriesData)) {
            return Errno.EINVAL.negated();
        }
        if (operation == IoOp.UBLK_IO_OP_ZONE_APPEND && !isAppend(startSector, bytes)) {
            return Errno.EIO.negated();
        }
        if (bytes > 0 && reachesBeyond(startSector, bytes >> Sectors.SHIFT, deviceSectors)) {
            return (carriesData ? Errno.EIO : Errno.EINVAL).negated();
        }
        if (readOnly && zeroes) {
            return Errno.EPERM.negated();
        }
        return isAligned(segments) ? 0 : Errno.EINVAL.negated();
    }

    private boolean isSupported(int operation) {
        return switch (operation) {
            case IoOp.UBLK_IO_OP_READ, IoOp.UBLK_IO_OP_WRITE, IoOp.UBLK_IO_OP_FLUSH -> true;
            case IoOp.UBLK_IO_OP_DISCARD -> limits.maxDiscardSectors() != 0;
            case IoOp.UBLK_IO_OP_WRITE_ZEROES -> limits.maxWriteZeroesSectors() != 0;
            case IoOp.UBLK_IO_OP_ZONE_APPEND, IoOp.UBLK_IO_OP_REPORT_ZONES -> limits.areZoned();
            default -> Zones.changes(operation) && limits.areZoned();
        };
    }

    private static boolean carriesData(int operation) {
        return operation == IoOp.UBLK_IO_OP_READ
                || operation == IoOp.UBLK_IO_OP_WRITE
                || operation == IoOp.UBLK_IO_OP_ZONE_APPEND;
    }

    /** A change of one zone, or a reset of all: {@code blkdev_zone_mgmt}. */
    private int validateChangeOfZone(
            int operation, long startSector, long bytes, long deviceSectors, boolean readOnly) {
        if (readOnly) {
            return Errno.EPERM.negated();
        }
        boolean isAll = operation == IoOp.UBLK_IO_OP_ZONE_RESET_ALL;
        boolean isZone =
                Long.compareUnsigned(startSector, deviceSectors) < 0 && startsZone(startSector);
        return bytes == 0 && (isAll ? startSector == 0 : isZone) ? 0 : Errno.EINVAL.negated();
    }

    private boolean startsZone(long sector) {
        return (sector & (limits.chunkSectors() - 1)) == 0;
    }

    /** Not cut, as its parts might end apart: {@code blk_check_zone_append}. */
    private boolean isAppend(long startSector, long bytes) {
        return startsZone(startSector) && bytes >> Sectors.SHIFT <= limits.maxZoneAppendSectors();
    }

    private static boolean reachesBeyond(long startSector, long sectors, long deviceSectors) {
        return sectors > deviceSectors
                || Long.compareUnsigned(startSector, deviceSectors - sectors) > 0;
    }

    private boolean isAligned(Segments segments) {
        int together = 0;
        for (int index = 0; index < segments.count(); index++) {
            together |= segments.offset(index) | segments.length(index);
        }
        return (together & limits.dmaAlignmentMask()) == 0;
    }

    /**
     * Begins a submission that {@link #validate} has found valid.
     *
     * @param operation {@code UBLK_IO_OP_...}
     * @param startSector the first sector
     * @param bytes how many bytes of the device; a flush has none, and no pieces
     * @param segments the data of a read or write, empty for other operations; stays as it is until
     *     the last {@link #next}
     */
    public void begin(int operation, long startSector, long bytes, Segments segments) {
        assert bytes >= 0 && (bytes & blockMask) == 0 : bytes;
        assert segments.bytes() == (carriesData(operation) ? bytes : 0) : segments;
        op = operation;
        data = segments;
        restSector = startSector;
        restBytes = bytes;
        restSegment = 0;
        restSkip = 0;
        pieceSector = startSector;
        pieceSegment = 0;
        pieceSkip = 0;
    }

    /**
     * Finds the next request.
     *
     * @return its bytes; 0 after the last one; {@code -EINVAL} when the limits leave no request to
     *     make of what is left, not even of one block: what is left of the submission has failed
     */
    public long next() {
        if (restBytes == 0) {
            return 0;
        }
        long bytes =
                switch (op) {
                    case IoOp.UBLK_IO_OP_DISCARD -> discardBytes();
                    case IoOp.UBLK_IO_OP_WRITE_ZEROES -> writeZeroesBytes();
                    default -> readWriteBytes();
                };
        if (bytes <= 0) {
            return Errno.EINVAL.negated();
        }
        assert bytes <= restBytes : bytes;
        pieceSector = restSector;
        pieceSegment = restSegment;
        pieceSkip = restSkip;
        restSector += bytes >> Sectors.SHIFT;
        restBytes -= bytes;
        if (carriesData(op)) {
            skip(bytes);
        }
        return bytes;
    }

    /** Moves on behind the next {@code bytes} of data. */
    private void skip(long bytes) {
        long skip = restSkip + bytes;
        int segment = restSegment;
        while (segment < data.count() && skip >= data.length(segment)) {
            skip -= data.length(segment);
            segment++;
        }
        restSegment = segment;
        restSkip = (int) skip;
    }

    /** {@return the first sector of the piece} */
    public long sector() {
        return pieceSector;
    }

    /**
     * {@return the index of the segment in which the data of the piece begins; it goes on for the
     * bytes of the piece, and ends in the middle of a segment as it may begin in the middle}
     */
    public int segment() {
        return pieceSegment;
    }

    /** {@return where in {@link #segment} the data of the piece begins, bytes} */
    public int inSegment() {
        return pieceSkip;
    }

    private long discardBytes() {
        long granularity = Math.max(limits.discardGranularityBytes() >> Sectors.SHIFT, 1);
        long most = Math.min(limits.maxDiscardSectors(), wholeBlocks(MAX_BYTES) >> Sectors.SHIFT);
        most -= most % granularity;
        if (most == 0 || restBytes >> Sectors.SHIFT <= most) {
            return Math.min(restBytes, wholeBlocks(MAX_BYTES));
        }
        long shift = (limits.discardAlignmentBytes() >> Sectors.SHIFT) % granularity;
        long misaligned = (restSector + most - shift) % granularity;
        return (most > misaligned ? most - misaligned : most) << Sectors.SHIFT;
    }

    private long writeZeroesBytes() {
        long most = maxSectors(limits.maxWriteZeroesSectors()) << Sectors.SHIFT;
        if (most == 0) {
            return Math.min(restBytes, wholeBlocks(MAX_BYTES));
        }
        return Math.min(restBytes, Math.min(most, wholeBlocks(MAX_BYTES)));
    }

    private long wholeBlocks(long bytes) {
        return bytes & ~blockMask;
    }

    /** The most sectors from the start of the rest on: {@code get_max_io_size}. */
    private long maxSectors(long most) {
        long bounded = most;
        if (limits.chunkSectors() != 0) {
            long chunk = limits.chunkSectors();
            bounded = Math.min(bounded, chunk - restSector % chunk);
        }
        long physicalSectors = limits.physicalBlockBytes() >> Sectors.SHIFT;
        long start = restSector & (physicalSectors - 1);
        long end = start + bounded & -physicalSectors;
        return end > start ? end - start : bounded & ~(blockMask >> Sectors.SHIFT);
    }

    private long readWriteBytes() {
        if (fitsOnePage()) {
            return restBytes;
        }
        long maxBytes = maxSectors(limits.maxSectors()) << Sectors.SHIFT;
        takenBytes = 0;
        takenSegments = 0;
        int previousEnd = 0;
        int skip = restSkip;
        for (int index = restSegment; index < data.count(); index++) {
            long start = data.offset(index) + (long) skip;
            int offset = (int) (start & (Pages.SIZE - 1));
            int length = data.length(index) - skip;
            if (((offset | length) & limits.dmaAlignmentMask()) != 0) {
                return Errno.EINVAL.negated();
            }
            boolean gap = ((offset | previousEnd) & limits.virtBoundaryMask()) != 0;
            if (index > restSegment && gap) {
                return wholeBlocks(takenBytes);
            }
            long address = (data.frame(index) << Pages.SHIFT) + start;
            if (!take(address, offset, length, maxBytes)) {
                return wholeBlocks(takenBytes);
            }
            previousEnd = offset + length;
            skip = 0;
        }
        return restBytes;
    }

    /** Whether the rest is small enough not to be looked at closer: {@code bio_may_need_split}. */
    private boolean fitsOnePage() {
        int offset = data.offset(restSegment);
        int length = data.length(restSegment);
        return limits.chunkSectors() == 0
                && restBytes == length - restSkip
                && ((offset | length) & limits.dmaAlignmentMask()) == 0
                && (long) offset + length <= fastSegmentBytes;
    }

    /**
     * Adds as much of a segment to the request as the limits allow: {@code bvec_split_segs}.
     *
     * @return whether that was all of it
     */
    private boolean take(long address, int offset, int length, long maxBytes) {
        if (takenSegments < limits.maxSegments()
                && takenBytes + length <= maxBytes
                && (long) offset + length <= fastSegmentBytes) {
            takenSegments++;
            takenBytes += length;
            return true;
        }
        long most = maxBytes - takenBytes;
        long left = Math.min(length, most);
        long taken = 0;
        while (left > 0 && takenSegments < limits.maxSegments()) {
            long part = Math.min(left, maxSegmentBytes(address + taken));
            takenSegments++;
            taken += part;
            left -= part;
            if (((offset + taken) & limits.virtBoundaryMask()) != 0) {
                break;
            }
        }
        takenBytes += taken;
        return left == 0 && length <= most;
    }

    /** The longest segment that may begin at an address: {@code get_max_segment_size}. */
    private long maxSegmentBytes(long address) {
        long toBoundary = limits.segBoundaryMask() - (limits.segBoundaryMask() & address);
        return Math.min(toBoundary, limits.maxSegmentBytes() - 1) + 1;
    }
}
