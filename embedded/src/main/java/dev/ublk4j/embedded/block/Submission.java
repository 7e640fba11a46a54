package dev.ublk4j.embedded.block;

import dev.ublk4j.embedded.handoff.Link;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Bio} on its way through the block layer: cut into requests, and done when the last of
 * them is.
 */
public final class Submission extends Link {
    /*
     * Threads:
     * --------
     * Whoever submits, and later whoever holds the queue's list of parked submissions, cuts off parts:
     * one thread at a time. Parts end on any thread. A submission that is one part needs no counting,
     * which is nearly every one; otherwise `parts` counts those that have not ended. It begins with 1
     * on behalf of the last part, so that it cannot reach 0 while there is more to cut.
     *
     * Write-through:
     * --------------
     * A device with a volatile cache that does not know FUA gets the data first and, when all of it is
     * written, a flush: a second phase, with one part that has no data, and the tag of the last of the
     * data.
     */
    /** Hears that a submission is done, on the thread that ended it; it may be submitted again. */
    @FunctionalInterface
    public interface Completion {
        /**
         * Takes the result.
         *
         * @param result bytes done (0 for a flush), or a negative errno
         */
        void onDone(long result);
    }

    /** The sector of a part that has none, such as a flush. */
    public static final long NO_SECTOR = -1;

    /** The submission has further parts. */
    static final int MORE = 0;

    /** This was the last part. */
    static final int LAST = 1;

    /** The limits allow no part. */
    static final int NO_PART = 2;

    private static final VarHandle PARTS;
    private static final VarHandle ERROR;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            PARTS = lookup.findVarHandle(Submission.class, "parts", int.class);
            ERROR = lookup.findVarHandle(Submission.class, "error", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Bio bio;
    private final Completion completion;
    private @Nullable RequestSplitter splitter;
    private boolean active;
    private boolean flushAfterwards;
    private int op;
    private int flags;
    private long left;
    private long partSector;
    private long partBytes;
    private int partSegment;
    private long partInSegment;
    private boolean single;

    @SuppressWarnings("unused") // through PARTS
    private volatile int parts;

    private volatile int error;

    /** Makes a way for an operation, which may be filled and submitted many times. */
    public Submission(Bio bio, Completion completion) {
        this.bio = bio;
        this.completion = completion;
    }

    Bio bio() {
        return bio;
    }

    /** {@return whether it is under way} */
    public boolean isActive() {
        return active;
    }

    /** {@return a splitter for these limits, the same one as long as the limits are} */
    RequestSplitter splitter(QueueLimits limits) {
        RequestSplitter current = splitter;
        if (current == null || !current.limits().equals(limits)) {
            current = new RequestSplitter(limits);
            splitter = current;
        }
        return current;
    }

    /** {@return the limits of the disk that it is under way to} */
    QueueLimits limits() {
        return Objects.requireNonNull(splitter, "not validated").limits();
    }

    /**
     * Starts the way of an operation that {@link #splitter} has found valid.
     *
     * @param opFlags flags of the descriptor that the device understands
     * @param flush whether a flush has to follow the data
     */
    void begin(int opFlags, boolean flush) {
        active = true;
        flushAfterwards = flush;
        op = bio.op();
        flags = opFlags;
        left = bio.length();
        if (op == IoOp.UBLK_IO_OP_REPORT_ZONES) {
            rewind();
            return;
        }
        RequestSplitter cut = Objects.requireNonNull(splitter, "not validated");
        cut.begin(
                op,
                Sectors.ofBytes(bio.position()),
                left - tailBytes(cut.limits()),
                bio.segments());
        rewind();
    }

    /**
     * {@return the bytes of a discard that come after its head} A head that is no whole unit is
     * issued alone ({@code bio_discard_limit} of blk-lib.c), unless the discard is one request
     * after all: the kernel joins the head to what follows again where that fits.
     */
    private long tailBytes(QueueLimits limits) {
        if (op != IoOp.UBLK_IO_OP_DISCARD || Sectors.ofBytes(left) <= limits.maxDiscardSectors()) {
            return 0;
        }
        long granularity = Math.max(limits.discardGranularityBytes(), 1);
        long misaligned = bio.position() % granularity;
        return misaligned == 0 ? 0 : Math.max(0, left - (granularity - misaligned));
    }

    private void rewind() {
        single = true;
        error = 0;
        parts = 1;
    }

    /**
     * Cuts off the next part, for the accessors below.
     *
     * @return {@link #LAST}, after which the submission may be done, and used again, as soon as the
     *     part is under way; {@link #MORE}; or {@link #NO_PART} when the limits leave none to make:
     *     {@link #fail} is due
     */
    int cutPart() {
        if (op == IoOp.UBLK_IO_OP_REPORT_ZONES || Zones.changes(op)) {
            partSector = Sectors.ofBytes(bio.position());
            partBytes = left;
            partSegment = 0;
            partInSegment = 0;
            left = 0;
            return LAST;
        }
        if (op == IoOp.UBLK_IO_OP_FLUSH) {
            partSector = NO_SECTOR;
            partBytes = 0;
            partSegment = 0;
            partInSegment = 0;
            return LAST;
        }
        RequestSplitter cut = Objects.requireNonNull(splitter, "not validated");
        long bytes = cutNext(cut);
        if (bytes <= 0 || (op == IoOp.UBLK_IO_OP_ZONE_APPEND && bytes < left)) {
            return NO_PART;
        }
        partSector = cut.sector();
        partBytes = bytes;
        partSegment = cut.segment();
        partInSegment = cut.inSegment();
        left -= bytes;
        if (left == 0) {
            return LAST;
        }
        single = false;
        PARTS.getAndAdd(this, 1);
        return MORE;
    }

    int op() {
        return op;
    }

    int flags() {
        return flags;
    }

    long partSector() {
        return partSector;
    }

    long partBytes() {
        return partBytes;
    }

    int partSegment() {
        return partSegment;
    }

    long partInSegment() {
        return partInSegment;
    }

    /** {@return the bytes of the next part, none where the limits leave none to make} */
    private long cutNext(RequestSplitter cut) {
        long bytes = cut.next();
        if (bytes != 0) {
            return bytes;
        }
        long done = bio.length() - left;
        cut.begin(op, Sectors.ofBytes(bio.position() + done), left, bio.segments());
        return cut.next();
    }

    /** {@return whether all that is left can be cut} Only {@link #fail} may follow. */
    boolean canBeCut() {
        RequestSplitter cut = Objects.requireNonNull(splitter, "not validated");
        boolean isWhole = op == IoOp.UBLK_IO_OP_ZONE_APPEND;
        while (op != IoOp.UBLK_IO_OP_FLUSH && op != IoOp.UBLK_IO_OP_REPORT_ZONES && left > 0) {
            long bytes = cutNext(cut);
            if (bytes <= 0 || (isWhole && bytes < left)) {
                return false;
            }
            left -= bytes;
        }
        return true;
    }

    /**
     * Ends what has not been cut off, with a negative errno, which is told whatever became of the
     * parts ({@code bio_submit_split}, {@code bio_io_error}).
     */
    void fail(int errno) {
        error = errno;
        if (isLastPart(errno)) {
            end();
        }
    }

    /** Ends a part, with 0 or a negative errno. */
    void partDone(int status) {
        if (single) {
            end(status);
        } else if (isLastPart(status)) {
            end();
        }
    }

    /** {@return whether a flush has to follow when all parts are done} */
    boolean isFollowedByFlush() {
        return flushAfterwards;
    }

    /** {@return whether a part that has ended was the last, after which {@link #end} is due} */
    boolean isLastPart(int status) {
        if (status < 0) {
            ERROR.compareAndSet(this, 0, status); // the first error is the one that is told
        }
        return (int) PARTS.getAndAdd(this, -1) == 1;
    }

    /**
     * Begins the flush that follows the data: its one part takes the place of the last of those.
     *
     * @return false where the data has failed
     */
    boolean beginFlush() {
        if (error != 0) {
            return false;
        }
        flushAfterwards = false;
        op = IoOp.UBLK_IO_OP_FLUSH;
        flags &= ~(IoFlag.UBLK_IO_F_FUA | IoFlag.UBLK_IO_F_INTEGRITY);
        rewind();
        return true;
    }

    /** Ends it, when its last part has ended. */
    void end() {
        end(error);
    }

    private void end(int status) {
        assert active : bio;
        active = false;
        boolean counts = status == 0 && bio.op() != IoOp.UBLK_IO_OP_FLUSH;
        done(counts ? bio.length() : status);
    }

    /** Tells the result of a submission that is not, or no longer, under way. */
    void done(long result) {
        completion.onDone(result);
    }
}
