package dev.ublk4j.embedded.block;

import dev.ublk4j.embedded.handoff.Link;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a hardware queue carries under one tag: a part of a submission that fits the device's
 * limits.
 *
 * <p>There is one for each tag of a disk. It belongs to the thread that took the tag, then to the
 * thread of the tag's ring, then to whoever puts it aside.
 */
public final class BlockRequest extends Link {
    /** The queue that has given a request its tag. */
    interface Owner {
        void finish(BlockRequest request, int status);

        void requeue(BlockRequest request);

        void requeueLater(BlockRequest request);
    }

    private final Owner owner;
    private final int queueId;
    private final int tag;
    private @Nullable Submission submission;
    private int op;
    private int flags;
    private long sector;
    private long bytes;
    private int segment;
    private long inSegment;
    private long metadataAddress;
    private long metadataLeft;

    BlockRequest(Owner owner, int queueId, int tag) {
        this.owner = owner;
        this.queueId = queueId;
        this.tag = tag;
    }

    /**
     * Takes the next part of a submission.
     *
     * @return as {@link Submission#cutPart}; with {@link Submission#NO_PART} there is no request
     */
    int take(Submission whole) {
        int step = whole.cutPart();
        if (step != Submission.NO_PART) {
            submission = whole;
            op = whole.op();
            flags = whole.flags();
            sector = whole.partSector();
            bytes = whole.partBytes();
            segment = whole.partSegment();
            inSegment = whole.partInSegment();
            takeMetadata(whole);
        }
        return step;
    }

    private void takeMetadata(Submission whole) {
        Bio bio = whole.bio();
        metadataLeft = 0;
        if (bio.metadataBytes() != 0 && hasData()) {
            long before = Sectors.toBytes(sector) - bio.position();
            metadataAddress = bio.metadataAddress() + whole.limits().metadataOf(before);
            metadataLeft = whole.limits().metadataOf(bytes);
        }
    }

    Submission submission() {
        return Objects.requireNonNull(submission, "ended before");
    }

    /** Takes the submission away, which ends the request. */
    Submission detach() {
        Submission ended = Objects.requireNonNull(submission, "ended before");
        submission = null;
        return ended;
    }

    /** Leaves out the first bytes, which are done. */
    public void advance(long done) {
        assert done < bytes : done + " of " + bytes;
        sector += Sectors.ofBytes(done);
        bytes -= done;
        inSegment += done;
        advanceMetadata(submission().limits().metadataOf(done));
        Segments segments = data().segments();
        while (inSegment >= segments.length(segment)) {
            inSegment -= segments.length(segment);
            segment++;
        }
    }

    /** An interval that is done in part keeps its metadata: bio_integrity_advance. */
    private void advanceMetadata(long done) {
        if (metadataLeft != 0) {
            metadataAddress += done;
            metadataLeft -= done;
        }
    }

    /** Ends the request, with 0 or a negative errno. */
    public void finish(int status) {
        owner.finish(this, status);
    }

    /** Puts the request aside, to go again as soon as the device allows. */
    public void requeue() {
        owner.requeue(this);
    }

    /** As {@link #requeue}, but not at once: what was missing takes time to come. */
    public void requeueLater() {
        owner.requeueLater(this);
    }

    /** {@return the queue's number} */
    public int queueId() {
        return queueId;
    }

    /** {@return the tag, below the depth of the queue} */
    public int tag() {
        return tag;
    }

    /** {@return the operation, {@code UBLK_IO_OP_...}} */
    public int op() {
        return op;
    }

    /** {@return the flags of the descriptor, {@code UBLK_IO_F_...}} */
    public int flags() {
        return flags;
    }

    /** {@return where on the disk, or {@link Submission#NO_SECTOR}} */
    public long sector() {
        return sector;
    }

    /** {@return the bytes of the disk that are still to do} */
    public long bytes() {
        return bytes;
    }

    /** {@return where the data begins: an index of {@link Bio#segments}} */
    public int segment() {
        return segment;
    }

    /** {@return where in that segment the data begins, bytes} */
    public long inSegment() {
        return inSegment;
    }

    /** {@return the operation that this is a part of, which knows where the data is} */
    public Bio data() {
        return Objects.requireNonNull(submission, "ended before").bio();
    }

    /** {@return the bytes of integrity metadata for the data, whether it comes or not} */
    public long metadataBytes() {
        return submission().limits().metadataOf(bytes);
    }

    /**
     * {@return the bytes of integrity metadata that come with the data} More than {@link
     * #metadataBytes} where an interval has been done in part.
     */
    public long metadataLeft() {
        return metadataLeft;
    }

    /** {@return where this process finds the request's integrity metadata} */
    public long metadataAddress() {
        return metadataAddress;
    }

    /** {@return whether the request moves data, as reads and writes do} */
    public boolean hasData() {
        return isWrite() || isRead();
    }

    /** {@return whether data goes to the client} */
    public boolean isRead() {
        return op == IoOp.UBLK_IO_OP_READ || isReport();
    }

    /** {@return whether it asks for zones} */
    public boolean isReport() {
        return op == IoOp.UBLK_IO_OP_REPORT_ZONES;
    }

    /** {@return whether it is a zone append} */
    public boolean isAppend() {
        return op == IoOp.UBLK_IO_OP_ZONE_APPEND;
    }

    /** {@return whether data comes from the client} */
    public boolean isWrite() {
        return op == IoOp.UBLK_IO_OP_WRITE || isAppend();
    }

    @Override
    public String toString() {
        return "tag %d: %s, %d bytes at sector %d".formatted(tag, IoOp.name(op), bytes, sector);
    }
}
