package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.Bio;
import dev.ublk4j.embedded.block.Submission;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;
import java.lang.foreign.MemorySegment;

/**
 * An operation on a disk: what a client fills, submits and, once it is done, fills again.
 *
 * <p>Start with the method of the operation, then add where the data is. From {@link Disk#submit}
 * until its completion the request and its memory belong to the driver.
 */
public final class DiskRequest {
    private final DiskCompletion completion;
    private final Bio bio = new Bio();
    private final Submission submission = new Submission(bio, this::done);

    /** Makes a request that tells {@code completion} when it is done. */
    public DiskRequest(DiskCompletion completion) {
        this.completion = completion;
    }

    /**
     * Makes this a read.
     *
     * @param bytePosition where on the disk, bytes
     */
    public DiskRequest read(long bytePosition) {
        return start(IoOp.UBLK_IO_OP_READ, 0, bytePosition, 0);
    }

    /**
     * Makes this a write.
     *
     * @param bytePosition where on the disk, bytes
     */
    public DiskRequest write(long bytePosition) {
        return start(IoOp.UBLK_IO_OP_WRITE, 0, bytePosition, 0);
    }

    /**
     * Makes this a write that is done only when the data is on stable storage ({@code FUA}).
     *
     * @param bytePosition where on the disk, bytes
     */
    public DiskRequest writeThrough(long bytePosition) {
        return start(IoOp.UBLK_IO_OP_WRITE, IoFlag.UBLK_IO_F_FUA, bytePosition, 0);
    }

    /** Makes this a flush of everything that has been written. */
    public DiskRequest flush() {
        return start(IoOp.UBLK_IO_OP_FLUSH, 0, 0, 0);
    }

    /**
     * Makes this a discard.
     *
     * @param bytePosition where on the disk, bytes
     * @param bytes how much
     */
    public DiskRequest discard(long bytePosition, long bytes) {
        return start(IoOp.UBLK_IO_OP_DISCARD, 0, bytePosition, bytes);
    }

    /**
     * Makes this a write of zeroes without data.
     *
     * @param bytePosition where on the disk, bytes
     * @param bytes how much
     * @param mayUnmap whether the space may be given back
     */
    public DiskRequest writeZeroes(long bytePosition, long bytes, boolean mayUnmap) {
        int unmap = mayUnmap ? 0 : IoFlag.UBLK_IO_F_NOUNMAP;
        return start(IoOp.UBLK_IO_OP_WRITE_ZEROES, unmap, bytePosition, bytes);
    }

    /**
     * Makes this a zone append: a write at the write pointer of a zone, which says {@linkplain
     * #appended where} that was.
     *
     * @param bytePosition where the zone begins, bytes
     */
    public DiskRequest append(long bytePosition) {
        return start(IoOp.UBLK_IO_OP_ZONE_APPEND, 0, bytePosition, 0);
    }

    /**
     * Makes this a change of a zone.
     *
     * @param change what is to become of it
     * @param bytePosition where the zone begins, bytes
     */
    public DiskRequest zone(ZoneChange change, long bytePosition) {
        return start(change.op(), 0, bytePosition, 0);
    }

    /** Makes this a reset of all zones. */
    public DiskRequest resetAllZones() {
        return start(IoOp.UBLK_IO_OP_ZONE_RESET_ALL, 0, 0, 0);
    }

    /**
     * Makes this a report of zones into memory, an array of {@code struct blk_zone}; where that
     * ends early, its rest is zeroes or as it was.
     *
     * @param bytePosition where the first zone begins, bytes
     * @param count how many, for which there is memory
     */
    public DiskRequest reportZones(long bytePosition, int count) {
        DiskRequest request = start(IoOp.UBLK_IO_OP_REPORT_ZONES, 0, bytePosition, 0);
        bio.zones(count);
        return request;
    }

    private DiskRequest start(int newOp, int newFlags, long newPosition, long newLength) {
        assert !submission.isActive() : "in use: " + this;
        bio.begin(newOp, newFlags, newPosition, newLength);
        return this;
    }

    /**
     * Adds flags of the descriptor, such as {@link IoFlag#UBLK_IO_F_META}.
     *
     * @param more {@code UBLK_IO_F_...}
     */
    public DiskRequest addFlags(int more) {
        bio.addFlags(more);
        return this;
    }

    /**
     * Adds the next piece of the data of a read or write: one segment, whose frames follow each
     * other as its addresses do. For whoever knows the frames of memory that is not its own.
     *
     * @param address where this process finds the bytes
     * @param frame the first page frame, or a negative number when it is not known
     * @param offset where in the frame, bytes below the page size
     * @param bytes how many, at least 1
     */
    public DiskRequest add(long address, long frame, int offset, int bytes) {
        bio.add(address, frame, offset, bytes);
        return this;
    }

    /**
     * Adds the next piece of the data of a read or write, in a client's own memory.
     *
     * @param memory where it is
     * @param offset first byte in {@code memory}
     * @param bytes how many, at least 1
     */
    public DiskRequest add(ClientMemory memory, long offset, long bytes) {
        memory.addTo(bio, offset, bytes);
        return this;
    }

    /**
     * Adds the next piece of the data of a read or write, in memory whose frames are not known: its
     * data is always copied.
     *
     * @param memory native memory that stays open until the request is done
     */
    public DiskRequest add(MemorySegment memory) {
        if (!memory.isNative() || memory.byteSize() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("not native, or over 2 GiB: " + memory);
        }
        return add(memory.address(), -1, 0, (int) memory.byteSize());
    }

    /**
     * Adds the integrity metadata of a read or write, all in one piece. Without it the request has
     * none: the driver makes none up for a write, and checks none of a read.
     *
     * @param memory native memory that stays open until the request is done, of {@link
     *     Disk#metadataBytes} or more
     */
    public DiskRequest metadata(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("not native: " + memory);
        }
        bio.metadata(memory.address(), memory.byteSize());
        return this;
    }

    /** {@return the operation, {@code UBLK_IO_OP_...}} */
    public int op() {
        return bio.op();
    }

    /** {@return the flags of the descriptor, {@code UBLK_IO_F_...}} */
    public int flags() {
        return bio.flags();
    }

    /** {@return where on the disk, bytes} */
    public long position() {
        return bio.position();
    }

    /** {@return how many bytes of the disk the request is about} */
    public long length() {
        return bio.length();
    }

    /** {@return where a zone append has put its data, bytes, when it is done} */
    public long appended() {
        return Sectors.toBytes(bio.appended());
    }

    Submission submission() {
        return submission;
    }

    void done(long result) {
        completion.onDone(this, result);
    }

    @Override
    public String toString() {
        return bio.toString();
    }
}
