package dev.ublk4j.embedded.block;

import dev.ublk4j.embedded.freeze.FreezeGate;
import dev.ublk4j.embedded.handoff.Inbox;
import dev.ublk4j.linux.Errno;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One hardware queue of a disk: gives submissions their tags, and keeps those that must wait, in
 * order. In the block layer this is {@code blk_mq_hw_ctx}.
 */
final class BlockQueue implements BlockRequest.Owner {
    /*
     * Who waits:
     * ----------
     * Submissions that find no free tag, a frozen gate or a device between two servers; and requests
     * that were under way and have to go again (a part of a read is missing, or the server died). The
     * latter keep their tags and go first. They have left the gate: they use no registered buffer, as
     * buffers are matched again when they go, so a freeze need not wait for them, and UNREG_BUF
     * returns even on a device whose server is dead.
     *
     * Nobody is lost:
     * ---------------
     * Who parks something counts it (a volatile addition), then drains, which tries the gate and the
     * tags once more. Who frees a tag, thaws the gate or changes the device does that first, then reads
     * the count and drains when it is not 0. One of the two sees the other.
     *
     * One drains:
     * -----------
     * `draining` counts the calls of drain. Who brings it from 0 to 1 owns the two lists and goes
     * on until no call has come in meanwhile; the others leave it to the owner. So a completion that
     * runs inside a drain and submits again does not recurse.
     *
     * First come, first served:
     * -------------------------
     * While anything is parked, what is submitted is parked too.
     */
    private static final VarHandle DRAINING;
    private static final VarHandle PARKED;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            DRAINING = lookup.findVarHandle(BlockQueue.class, "draining", int.class);
            PARKED = lookup.findVarHandle(BlockQueue.class, "parked", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** {@code UBLK_REQUEUE_DELAY_MS}. */
    private static final long REQUEUE_DELAY_MILLIS = 3;

    /** What a request sees of a disk that has been removed. */
    static final int REMOVED = Errno.EIO.negated();

    private final int id;
    private final FreezeGate gate;
    private final QueueDriver driver;
    private final TagSet tags;
    private final BlockRequest[] requests;
    private final Inbox<Submission> newSubmissions = new Inbox<>();
    private final Inbox<BlockRequest> newRequeues = new Inbox<>();

    // Of the owner of the drain.
    private @Nullable Submission submissions;
    private @Nullable BlockRequest requeues;

    @SuppressWarnings("unused") // through DRAINING
    private volatile int draining;

    private volatile int parked;

    /** Ends what waits with an error. */
    private volatile boolean removed;

    BlockQueue(int id, FreezeGate gate, QueueDriver driver, int depth) {
        this.id = id;
        this.gate = gate;
        this.driver = driver;
        this.tags = new TagSet(depth);
        this.requests = new BlockRequest[depth];
        for (int tag = 0; tag < depth; tag++) {
            requests[tag] = new BlockRequest(this, id, tag);
        }
    }

    /** {@return whether something waits that the driver would take} */
    boolean hasParkedThatMoves() {
        return parked != 0 && driver.admission() == QueueDriver.ADMITTED;
    }

    /** Ends what waits, and what is submitted, with an error from the next {@link #drain} on. */
    void remove() {
        removed = true;
    }

    /** Takes a submission, which ends in its own time; from any thread. */
    void submit(Submission submission) {
        if (parked != 0 || !start(submission)) {
            PARKED.getAndAdd(this, 1);
            newSubmissions.push(submission);
            drain();
        }
    }

    @Override
    public void finish(BlockRequest request, int status) {
        Submission submission = request.submission();
        boolean isFollowed = submission.isFollowedByFlush();
        boolean isLast = isFollowed && submission.isLastPart(status);
        if (isLast && submission.beginFlush()) {
            int _ = request.take(submission);
            // In the place of the data, as in the kernel: a stop waits for it, or keeps it from
            // being started where it ends what waits for a next server.
            if (driver.holdsRequests()) {
                requeue(request);
            } else {
                driver.start(request);
            }
            return;
        }
        Submission _ = request.detach();
        gate.exit(id);
        tags.free(request.tag());
        if (parked != 0) {
            drain();
        }
        if (!isFollowed) {
            submission.partDone(status);
        } else if (isLast) {
            submission.end();
        }
    }

    @Override
    public void requeue(BlockRequest request) {
        gate.exit(id);
        PARKED.getAndAdd(this, 1);
        newRequeues.push(request);
        drain();
    }

    @Override
    public void requeueLater(BlockRequest request) {
        gate.exit(id);
        PARKED.getAndAdd(this, 1);
        newRequeues.push(request);
        CompletableFuture.delayedExecutor(REQUEUE_DELAY_MILLIS, TimeUnit.MILLISECONDS)
                .execute(this::drain);
    }

    /** Lets go whatever may go, after something has changed; from any thread. */
    void drain() {
        if ((int) DRAINING.getAndAdd(this, 1) != 0) {
            return;
        }
        int calls = 1;
        do {
            while (parked != 0 && (goOn(nextRequeue()) || start())) {
                // One by one, as each may be the last that can go.
            }
            calls = (int) DRAINING.getAndAdd(this, -calls) - calls;
        } while (calls != 0);
    }

    private @Nullable BlockRequest nextRequeue() {
        if (requeues == null) {
            requeues = newRequeues.takeAll();
        }
        return requeues;
    }

    /** {@return whether the first request put aside has ended or is under way again} */
    private boolean goOn(@Nullable BlockRequest request) {
        if (request == null) {
            return false;
        }
        int admission = admission();
        boolean entered = admission == QueueDriver.ADMITTED && gate.tryEnter(id);
        if (admission >= QueueDriver.ADMITTED && !entered) {
            return false;
        }
        requeues = Inbox.after(request);
        PARKED.getAndAdd(this, -1);
        if (entered) {
            driver.start(request);
        } else {
            Submission submission = request.detach();
            tags.free(request.tag());
            submission.partDone(admission);
        }
        return true;
    }

    /** {@return whether the first submission that waits has ended or is wholly under way} */
    private boolean start() {
        if (requeues != null) {
            return false;
        }
        if (submissions == null) {
            submissions = newSubmissions.takeAll();
        }
        Submission first = submissions;
        if (first == null) {
            return false;
        }
        // Taken off before it starts: once it is under way it may be done and submitted again.
        Submission second = Inbox.after(first);
        submissions = second;
        if (!start(first)) {
            Inbox.putBack(first, second);
            submissions = first;
            return false;
        }
        PARKED.getAndAdd(this, -1);
        return true;
    }

    /**
     * Puts the parts of a submission under way.
     *
     * @return whether there is nothing more to do with it; otherwise it has to wait
     */
    private boolean start(Submission submission) {
        while (true) {
            int admission = admission();
            if (admission < 0) {
                // The kernel's driver refuses parts, which have been cut before.
                boolean isInvalid = !removed && !submission.canBeCut();
                submission.fail(isInvalid ? Errno.EINVAL.negated() : admission);
                return true;
            }
            if (admission != QueueDriver.ADMITTED || !gate.tryEnter(id)) {
                return false;
            }
            int tag = tags.take();
            if (tag == TagSet.NONE) {
                gate.exit(id);
                return false;
            }
            BlockRequest request = requests[tag];
            int part = request.take(submission);
            if (part == Submission.NO_PART) {
                gate.exit(id);
                tags.free(tag);
                submission.fail(Errno.EINVAL.negated());
                return true;
            }
            driver.start(request);
            if (part == Submission.LAST) {
                return true;
            }
        }
    }

    private int admission() {
        return removed ? REMOVED : driver.admission();
    }
}
