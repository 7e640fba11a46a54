package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.Segments;
import dev.ublk4j.uapi.IoOp;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a hardware queue carries under one tag: a part of a submission that fits the device's
 * limits.
 *
 * <p>There is one for each tag of a disk. It belongs to the thread that took the tag, then to the
 * thread of the tag's ring, then to whoever puts it aside.
 */
final class BlockRequest extends Link {
    /** The sector of a request that has none, such as a flush. */
    static final long NO_SECTOR = -1;

    private final DiskQueue queue;
    private final int tag;
    private @Nullable Submission submission;
    private int op;
    private int flags;
    private long sector;
    private long bytes;
    private int segment;
    private long inSegment;

    BlockRequest(DiskQueue queue, int tag) {
        this.queue = queue;
        this.tag = tag;
    }

    void begin(
            Submission newSubmission,
            int newOp,
            int newFlags,
            long newSector,
            long newBytes,
            int newSegment,
            long newInSegment) {
        submission = newSubmission;
        op = newOp;
        flags = newFlags;
        sector = newSector;
        bytes = newBytes;
        segment = newSegment;
        inSegment = newInSegment;
    }

    Submission submission() {
        return Objects.requireNonNull(submission, "ended before");
    }

    /** Takes the submission away, which ends the request. */
    Submission end() {
        Submission ended = Objects.requireNonNull(submission, "ended before");
        submission = null;
        return ended;
    }

    /** Leaves out the first bytes, which are done. */
    void advance(long done) {
        assert done < bytes : done + " of " + bytes;
        sector += done >> 9;
        bytes -= done;
        inSegment += done;
        Segments segments = data().segments();
        while (inSegment >= segments.length(segment)) {
            inSegment -= segments.length(segment);
            segment++;
        }
    }

    DiskQueue queue() {
        return queue;
    }

    int tag() {
        return tag;
    }

    int op() {
        return op;
    }

    int flags() {
        return flags;
    }

    long sector() {
        return sector;
    }

    /** {@return the bytes of the disk that are still to do} */
    long bytes() {
        return bytes;
    }

    /** {@return where the data begins: an index of {@link DiskRequest#segments}} */
    int segment() {
        return segment;
    }

    /** {@return where in that segment the data begins, bytes} */
    long inSegment() {
        return inSegment;
    }

    /** {@return the client's request, which knows where the data is} */
    DiskRequest data() {
        return Objects.requireNonNull(submission, "ended before").request();
    }

    /** {@return whether the request moves data, as reads and writes do} */
    boolean hasData() {
        return op <= IoOp.UBLK_IO_OP_WRITE;
    }

    boolean isRead() {
        return op == IoOp.UBLK_IO_OP_READ;
    }

    boolean isWrite() {
        return op == IoOp.UBLK_IO_OP_WRITE;
    }

    @Override
    public String toString() {
        return "tag %d: %s, %d bytes at sector %d".formatted(tag, IoOp.name(op), bytes, sector);
    }
}
