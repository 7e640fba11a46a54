package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uring.IoUring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Commands for many tags of one queue ({@code UBLK_F_BATCH_IO}), as one thread sends them.
 *
 * <p><b>Fetching.</b> One {@code PREP_IO_CMDS} gives all tags to the driver. A {@code
 * FETCH_IO_CMDS} is always under way: it completes each time that there are requests, with their
 * tags in one of the buffers that the driver was lent. It ends when it finds no buffer, and is
 * prepared anew. Another one stands by where no other thread has one: the driver brings all
 * requests by one of them, and does not tell that one when it takes the tags back meanwhile.
 *
 * <p><b>Committing.</b> The results of a turn are gathered, and go in one {@code COMMIT_IO_CMDS}.
 * At most one is under way, for which the driver reads its memory; results that come meanwhile are
 * gathered in other memory. Where the driver takes only some of them, the rest is sent again; where
 * it refuses the first, the queue fails.
 */
final class QueueBatch {
    private static final int PREPARE = 0;
    private static final int COMMIT = 1;
    private static final int FETCH = 2;

    /** How many there are of these. */
    static final int KINDS = 3;

    /** More buffers than can be filled before the queue's thread comes to look. */
    private static final int MOST_BUFFERS = 64;

    /** How many tags the kernel's driver puts into one buffer. */
    private static final int TAGS_PER_BUFFER = 128;

    private final int queueId;
    private final int depth;

    /** The thread's number of the queue's first tag. */
    private final int firstTag;

    /** Which of the thread's queues this is, as completions name it. */
    private final int index;

    private final QueueRing ring;
    private final DataPath path;
    private final TagBuffers buffers;
    private final int flags;
    private final int elementBytes;
    private final boolean hasAddress;
    private final boolean hasZones;
    private final boolean hasSlot;

    /** Results that are gathered. */
    private MemorySegment gathered;

    private int count;

    /** Results that are under way: those that the driver has not taken yet. */
    private MemorySegment sent;

    private int sentFrom;
    private int sentCount;

    /**
     * Opens them for one queue.
     *
     * @param index which of the thread's it is
     */
    QueueBatch(
            DeviceInfo info,
            ServedTags tags,
            int index,
            QueueRing ring,
            DataPath path,
            Arena arena) {
        this.queueId = tags.queues()[index];
        this.index = index;
        this.firstTag = index * info.queueDepth();
        this.depth = info.queueDepth();
        this.ring = ring;
        this.path = path;
        this.hasSlot = path.slot(0) != DataPath.NONE;
        this.hasAddress = path.address(0) != 0;
        this.hasZones = Feature.ZONED.in(info.flags());
        this.flags =
                (hasAddress ? BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR : 0)
                        | (hasZones ? BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA : 0)
                        | (path.hasFallback()
                                ? BatchIoLayout.UBLK_BATCH_F_AUTO_BUF_REG_FALLBACK
                                : 0);
        this.elementBytes = ElemHeaderLayout.elementBytes(flags);
        this.gathered = arena.allocate((long) depth * elementBytes, Long.BYTES);
        this.sent = arena.allocate((long) depth * elementBytes, Long.BYTES);
        this.buffers =
                ring.openTagBuffers(
                        Math.min(MOST_BUFFERS, Math.max(2, Integer.highestOneBit(depth))),
                        Math.min(TAGS_PER_BUFFER, depth));
    }

    /** Gives every tag to the driver for the first time. */
    void prepareAll() {
        for (int tag = firstTag; tag < firstTag + depth; tag++) {
            element(tag, 0, 0);
        }
        send(IoCommand.UBLK_U_IO_PREP_IO_CMDS, gathered, 0, count, PREPARE);
        // Used again only for a commit, which comes when the driver has read them.
        count = 0;
    }

    /**
     * Has the driver bring requests.
     *
     * @param alone whether no other thread does
     */
    void fetch(boolean alone) {
        fetch();
        if (alone) {
            fetch();
        }
    }

    private void fetch() {
        ring.fetchBatch(queueId, buffers, userData(FETCH));
    }

    private long userData(int what) {
        return RequestId.batchUserData(index * KINDS + what);
    }

    /** Gives a tag back to the driver, with the result of its request. */
    void commit(int tag, int result) {
        element(tag, result, 0);
    }

    /** As {@link #commit}, of a zone append, with the sector where its data is. */
    void commitAppend(int tag, int result, long sector) {
        element(tag, result, sector);
    }

    private void element(int tag, int result, long appended) {
        long at = (long) count++ * elementBytes;
        ElemHeaderLayout.tag(gathered, at, tag - firstTag);
        ElemHeaderLayout.bufIndex(gathered, at, hasSlot ? path.slot(tag) : 0);
        ElemHeaderLayout.result(gathered, at, result);
        if (hasAddress) {
            gathered.set(
                    ValueLayout.JAVA_LONG,
                    at + ElemHeaderLayout.bufAddrOffset(),
                    path.address(tag));
        }
        if (hasZones) {
            gathered.set(
                    ValueLayout.JAVA_LONG, at + ElemHeaderLayout.zoneLbaOffset(flags), appended);
        }
    }

    /** Prepares what has been gathered. */
    void flush() {
        if (count == 0 || sentCount > 0) {
            return;
        }
        MemorySegment full = gathered;
        gathered = sent;
        sent = full;
        sentFrom = 0;
        sentCount = count;
        count = 0;
        sendCommit();
    }

    private void sendCommit() {
        send(IoCommand.UBLK_U_IO_COMMIT_IO_CMDS, sent, sentFrom, sentCount, COMMIT);
    }

    private void send(int op, MemorySegment elements, int from, int many, int what) {
        ring.batch(
                op,
                queueId,
                flags,
                many,
                elements.address() + (long) from * elementBytes,
                userData(what));
    }

    /** Takes the completion of one of the commands; {@code what} is below {@link #KINDS}. */
    void completed(int what, int result, int completionFlags, Dispatcher dispatcher) {
        switch (what) {
            case FETCH -> fetched(result, completionFlags, dispatcher);
            case COMMIT -> committed(result);
            default -> LinuxException.check("UBLK_U_IO_PREP_IO_CMDS", toString(), result);
        }
    }

    private void fetched(int result, int completionFlags, Dispatcher dispatcher) {
        if ((completionFlags & IoUring.IORING_CQE_F_BUFFER) != 0) {
            int buffer = completionFlags >>> IoUring.IORING_CQE_BUFFER_SHIFT;
            for (int i = 0; i < result / Short.BYTES; i++) {
                dispatcher.deliver(firstTag + buffers.tag(buffer, i));
            }
            buffers.giveBack(buffer);
        }
        if ((completionFlags & IoUring.IORING_CQE_F_MORE) != 0) {
            return;
        }
        // A driver before Linux 7.3 answers EBUSY to one that comes when it has taken the tags
        // back.
        if (result == IoResult.UBLK_IO_RES_ABORT || result == Errno.EBUSY.negated()) {
            dispatcher.takenBack();
        } else if (result >= 0 || result == Errno.ENOBUFS.negated()) {
            fetch();
        } else {
            throw new LinuxException("UBLK_U_IO_FETCH_IO_CMDS", toString(), result);
        }
    }

    private void committed(int result) {
        int done = result < 0 ? 0 : result / elementBytes;
        sentFrom += done;
        sentCount -= done;
        if (sentCount == 0) {
            return;
        }
        if (done == 0) {
            int tag = ElemHeaderLayout.tag(sent, (long) sentFrom * elementBytes);
            throw new LinuxException(
                    "UBLK_U_IO_COMMIT_IO_CMDS",
                    this + ", tag " + tag,
                    result < 0 ? result : Errno.EIO.negated());
        }
        sendCommit();
    }

    /** Lets go of the buffers. */
    void close() {
        buffers.close();
    }

    @Override
    public String toString() {
        return "queue " + queueId;
    }
}
