package dev.ublk4j.embedded.block;

import dev.ublk4j.embedded.freeze.FreezeGate;
import dev.ublk4j.embedded.freeze.FreezeOutcome;
import dev.ublk4j.embedded.freeze.GateListener;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;
import java.time.Duration;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The disk of a started device, {@code /dev/ublkbN}, from {@code START_DEV} until it is stopped and
 * its last opener has closed it. In the block layer this is {@code gendisk} with its {@code
 * request_queue}.
 *
 * <p>Any thread. The state that is not volatile is guarded by the object's monitor.
 */
public final class Gendisk implements GateListener {
    private static final Duration RECHECK = Duration.ofNanos(200_000);
    private static final int INVALID = Errno.EINVAL.negated();

    private final int id;
    private final QueueLimits limits;
    private final DiskAttributes attributes;
    private final FreezeGate gate;
    private final BlockQueue[] queues;
    private final Runnable freed;
    private volatile long capacitySectors;
    private final List<Runnable> watches = new CopyOnWriteArrayList<>();

    /** Takes no new submissions. */
    private volatile boolean dead;

    /** Zones without a write pointer, as the first report says; replaced as a whole. */
    private volatile BitSet conventional = new BitSet();

    private int openers;
    private boolean attached = true;

    /**
     * Makes a disk that takes submissions at once.
     *
     * @param id the device's number
     * @param sectors the size
     * @param drivers who takes the requests, one for each queue
     * @param depth the tags of a queue
     * @param freed called once, when the disk has been {@linkplain #detached detached} and its last
     *     opener has closed it
     */
    public Gendisk(
            int id,
            QueueLimits limits,
            DiskAttributes attributes,
            long sectors,
            List<? extends QueueDriver> drivers,
            int depth,
            Runnable freed) {
        this.id = id;
        this.limits = limits;
        this.attributes = attributes;
        this.capacitySectors = sectors;
        this.freed = freed;
        this.gate = new FreezeGate(drivers.size(), this);
        this.queues = new BlockQueue[drivers.size()];
        for (int queue = 0; queue < queues.length; queue++) {
            queues[queue] = new BlockQueue(queue, gate, drivers.get(queue), depth);
        }
    }

    /** {@return the device's number} */
    public int id() {
        return id;
    }

    /** {@return what submissions are cut to} */
    public QueueLimits limits() {
        return limits;
    }

    /** {@return what the disk does with writes} */
    public DiskAttributes attributes() {
        return attributes;
    }

    /** {@return what every request passes} */
    public FreezeGate gate() {
        return gate;
    }

    /** {@return the size in sectors, 0 once the disk is dead} */
    public long capacitySectors() {
        return dead ? 0 : capacitySectors;
    }

    /** Changes the size, in sectors. */
    public void resize(long sectors) {
        capacitySectors = sectors;
        watches.forEach(Runnable::run);
    }

    /** {@return those that are told, once the size has changed} Any thread may add and remove. */
    public Collection<Runnable> watches() {
        return watches;
    }

    /** Notes which zones have no write pointer, and so are not changed as a whole. */
    public void conventional(BitSet zones) {
        conventional = zones;
    }

    private boolean isConventional(Bio bio) {
        return bio.op() != IoOp.UBLK_IO_OP_ZONE_RESET_ALL
                && conventional.get(
                        (int) (Sectors.ofBytes(bio.position()) / limits.chunkSectors()));
    }

    /** {@return how many hardware queues there are} */
    public int queues() {
        return queues.length;
    }

    /**
     * Submits an operation, which is done in its own time, or before this returns where it is
     * refused: as {@link RequestSplitter#validate} says, and with {@code EIO} when the disk has
     * been removed, {@code EINVAL} for a change of its zones.
     *
     * @param queue a hardware queue, below {@link #queues}
     */
    public void submit(Submission submission, int queue) {
        Bio bio = submission.bio();
        boolean isFlush = bio.op() == IoOp.UBLK_IO_OP_FLUSH;
        if (isFlush && !attributes.volatileCache()) {
            submission.done(0); // nothing to do, on a disk that has been removed as well
            return;
        }
        if (dead) {
            // A disk that is gone has no size, so no zone is one of its own.
            submission.done(Zones.changes(bio.op()) ? Errno.EINVAL.negated() : BlockQueue.REMOVED);
            return;
        }
        int valid =
                submission
                        .splitter(limits)
                        .validate(
                                bio.op(),
                                Sectors.ofBytes(bio.position()),
                                bio.length(),
                                bio.segments(),
                                capacitySectors(),
                                attributes.readOnly());
        if (valid == 0) {
            valid = Sectors.isAligned(bio.position()) ? validateMetadata(bio) : INVALID;
        }
        if (valid < 0) {
            submission.done(valid);
            return;
        }
        if (Zones.changes(bio.op()) && isConventional(bio)) {
            submission.done(Errno.EIO.negated());
            return;
        }
        if (!isFlush && bio.length() == 0 && !Zones.changes(bio.op())) {
            submission.done(0);
            return;
        }
        boolean through = (bio.flags() & IoFlag.UBLK_IO_F_FUA) != 0 && attributes.volatileCache();
        boolean emulated = through && !attributes.fua();
        int flags = bio.flags() & ~IoFlag.UBLK_IO_F_INTEGRITY;
        if (bio.metadataBytes() != 0) {
            flags |= IoFlag.UBLK_IO_F_INTEGRITY;
        }
        if (!through || emulated) {
            flags &= ~IoFlag.UBLK_IO_F_FUA;
        }
        submission.begin(flags, emulated);
        queues[queue].submit(submission);
    }

    /**
     * {@return 0, or a negative errno} Metadata comes with data, is as much as the disk has, or
     * more, and no more than the device takes of data at a time, in however many requests:
     * bio_integrity_map_iter, whose {@code E2BIG} is an {@code EIO} to who sends it.
     */
    private int validateMetadata(Bio bio) {
        long brought = bio.metadataBytes();
        long needed = bio.segments().count() == 0 ? 0 : limits.metadataOf(bio.length());
        if (brought == 0) {
            return 0;
        }
        if (needed == 0 || brought < needed) {
            return INVALID;
        }
        boolean isTooMuch = Sectors.ofBytes(needed) > limits.maxMetadataSectors();
        return isTooMuch ? Errno.EIO.negated() : 0;
    }

    /** Lets go whatever may go, after the device has changed. */
    public void drainQueues() {
        for (BlockQueue queue : queues) {
            queue.drain();
        }
    }

    @Override
    public void onOpened() {
        drainQueues();
    }

    @Override
    public void onKilled() {
        drainQueues();
    }

    /**
     * Takes the disk away: refuses new submissions, waits until the server or the device's end has
     * answered those that are there ({@code del_gendisk}).
     */
    public void remove() {
        dead = true;
        boolean _ = Deadline.never().poll(RECHECK, this::isSettled);
        removeQueues();
        gate.kill();
        gate.drain(Deadline.FOREVER);
        drainQueues();
    }

    private boolean isSettled() {
        if (!hasParkedThatMoves()) {
            return true;
        }
        drainQueues();
        return false;
    }

    private boolean hasParkedThatMoves() {
        for (BlockQueue queue : queues) {
            if (queue.hasParkedThatMoves()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Turns everybody away before the disk is removed on behalf of a server's own thread, which
     * lets nobody in any more: those who wait outside end with an error.
     *
     * @param own the queues that the thread serves
     * @return whether nobody is inside the thread's queues, and the gate is frozen; otherwise
     *     nothing has changed
     */
    public boolean shut(BitSet own) {
        if (gate.freeze(Deadline.FOREVER, own) != FreezeOutcome.FROZEN) {
            return false;
        }
        dead = true;
        removeQueues();
        return true;
    }

    private void removeQueues() {
        for (BlockQueue queue : queues) {
            queue.remove();
        }
    }

    /** {@return 0, or a negative errno; each 0 takes one {@link #closed}} */
    public synchronized int opened() {
        if (dead || !attached) {
            return Errno.ENXIO.negated();
        }
        openers++;
        return 0;
    }

    /** {@return whether somebody has the disk open} */
    public synchronized boolean isOpen() {
        return openers > 0;
    }

    /** Takes back one {@link #opened}. */
    public void closed() {
        boolean last;
        synchronized (this) {
            last = --openers == 0 && !attached;
        }
        if (last) {
            freed.run();
        }
    }

    /** Ends the driver's own use of the disk. */
    public void detached() {
        boolean last;
        synchronized (this) {
            attached = false;
            last = openers == 0;
        }
        if (last) {
            freed.run();
        }
    }

    @Override
    public String toString() {
        return "ublkb" + id;
    }
}
