package dev.ublk4j.embedded.queue;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.embedded.handoff.Inbox;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.FileSlots;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The ring of one queue thread: requests arrive in an inbox, backend I/O in an io_uring. */
public final class EmbeddedQueueRing implements QueueRing, ServerRing {
    /*
     * One pass:
     * ---------
     * 1. Commands that were queued are carried out. A commit may complete a client's request, whose
     *    completion may submit another, which lands in this very inbox and is dispatched in step 3.
     * 2. Entries of the io_uring are submitted, if there are any. No call is made otherwise, except
     *    where the kernel says that it has completions which only a call brings.
     * 3. Requests that have arrived are dispatched, one after the other, each handed over at once; or
     *    in batches, as far as there are fetches and buffers for them.
     * 4. Commands that were refused, and those that a stop takes back, are handed over.
     * 5. Completions of the io_uring are handed over.
     *
     * The handler queues commands; they are carried out by the next pass. What it throws leaves the
     * pass with everything in place: what has not been handed over stays in its list.
     *
     * Stopping:
     * ---------
     * Only this thread changes its tags, so whoever stops the device leaves a mark and wakes it. A
     * request that was started too late to be stopped finds its tag canceled, or the inbox closed.
     */
    private static final int CLOSE_TIMEOUT_NANOS = 1_000_000_000;

    private final QueueSet queues;
    private final RingOwner opener;
    private final Ring ring;
    private final FileSlots files;
    private final RingSleep sleep;
    private final Thread owner = Thread.currentThread();
    private final DataTally counters = new DataTally();
    private final RequestDispatch dispatch;
    private final RingCommands commands;
    private final Refusals refused = new Refusals();
    private final CommandQueue pending = new CommandQueue();
    private final Inbox<BlockRequest> inbox = new Inbox<>();
    private final CompletionHandler fromRing = this::onRingCompletion;
    private final CompletionHandler toServer = this::handOver;
    private final CompletionHandler toRefused =
            (userData, result, flags) -> refused.add(userData, result);

    /** By queue, on a device whose server speaks of many tags at a time; else null. */
    private final @Nullable BatchDelivery @Nullable [] deliveries;

    private final BatchCommands batches;
    private final List<EmbeddedTagBuffers> tagBuffers = new ArrayList<>();

    /** Taken from the inbox and not yet dispatched. */
    private @Nullable BlockRequest arrived;

    private int handedOver;

    private CompletionHandler handler = (userData, result, flags) -> {};
    private volatile boolean cancelRequested;
    private volatile boolean wakeRequested;
    private volatile boolean deliveryRequested;
    private boolean closed;

    /**
     * Opens a ring for the calling thread.
     *
     * @param opener hears when it is closed
     */
    public EmbeddedQueueRing(QueueSet queues, RingOwner opener, RingOptions options) {
        this.queues = queues;
        this.opener = opener;
        ring = Ring.open(options.withTaskrunFlag(options.deferTaskrun()));
        files = new FileSlots(ring, FILES);
        try {
            sleep = new RingSleep(ring);
        } catch (Throwable e) {
            ring.close(); // no descriptor is left, or no heap
            throw e;
        }
        dispatch = new RequestDispatch(queues, counters);
        commands = new RingCommands(queues, opener, this, dispatch);
        batches = new BatchCommands(queues, opener, this, dispatch);
        deliveries =
                queues.description().isBatch() ? new @Nullable BatchDelivery[queues.count()] : null;
    }

    @Override
    public Ring ring() {
        return ring;
    }

    @Override
    public FileSlots files() {
        return files;
    }

    @Override
    public DataTally counters() {
        return counters;
    }

    @Override
    public void command(
            int commandOp, int queueId, int tag, int result, long address, long userData) {
        assert Thread.currentThread() == owner : "on another thread than the ring's";
        assert userData != WAKE : "reserved";
        pending.add(commandOp, queueId & 0xffff, tag & 0xffff, result, address, userData);
    }

    @Override
    public void commandWithSlot(
            int commandOp,
            int queueId,
            int tag,
            int result,
            int slot,
            int slotFlags,
            long userData) {
        throw new UnsupportedOperationException("AUTO_BUF_REG needs the kernel's driver");
    }

    /**
     * In the queue of commands the flags are in the place of the tag, the count in the result's.
     */
    @Override
    public void batch(
            int commandOp, int queueId, int flags, int count, long elements, long userData) {
        command(commandOp, queueId, flags, count, elements, userData);
    }

    @Override
    public void fetchBatch(int queueId, TagBuffers buffers, long userData) {
        int index = tagBuffers.indexOf(buffers);
        command(IoCommand.UBLK_U_IO_FETCH_IO_CMDS, queueId, 0, 0, index, userData);
    }

    @Override
    public TagBuffers openTagBuffers(int count, int tags) {
        EmbeddedTagBuffers opened = new EmbeddedTagBuffers(count, tags);
        tagBuffers.add(opened);
        return opened;
    }

    @Override
    public boolean offer(BlockRequest request) {
        if (!inbox.push(request)) {
            return false;
        }
        sleep.wakeIfAsleep();
        return true;
    }

    @Override
    public void cancelCommands() {
        cancelRequested = true;
        sleep.wakeIfAsleep();
    }

    @Override
    public void deliver() {
        deliveryRequested = true;
        sleep.wakeIfAsleep();
    }

    @Override
    public void wake() {
        wakeRequested = true;
        sleep.wakeIfAsleep();
    }

    @Override
    public int run(boolean wait, CompletionHandler newHandler) {
        assert Thread.currentThread() == owner : "on another thread than the ring's";
        handler = newHandler;
        int count = pass();
        while (wait && !closed) {
            if (wakeRequested) {
                wakeRequested = false;
                return count;
            }
            if (count != 0) {
                return count;
            }
            sleep.announce();
            if (inbox.isEmpty() && !cancelRequested && !wakeRequested && !deliveryRequested) {
                sleep.untilCompletion();
            }
            sleep.end();
            deliveryRequested = false;
            count = pass();
        }
        return count;
    }

    private int pass() {
        handedOver = 0;
        carryOut();
        if (ring.pendingSubmissions() != 0 || ring.needsEnter()) {
            ring.submitAndWait(0);
        }
        dispatchArrived();
        if (cancelRequested) {
            cancelRequested = false;
            cancelIdle(true);
        }
        refused.handOver(toServer);
        if (!closed) {
            int drained = ring.drain(fromRing);
            assert drained >= 0;
        }
        return handedOver;
    }

    private void carryOut() {
        while (!pending.isEmpty()) {
            int at = pending.next();
            int answer = deliveries == null ? runForTag(at) : runForMany(at);
            if (answer != RingCommands.KEPT) {
                refused.add(pending.userData(at), answer);
            }
        }
    }

    private int runForTag(int at) {
        return commands.run(
                pending.commandOp(at),
                pending.queueId(at),
                pending.tag(at),
                pending.result(at),
                pending.address(at),
                pending.userData(at));
    }

    private int runForMany(int at) {
        int queueId = pending.queueId(at);
        return switch (pending.commandOp(at)) {
            case IoCommand.UBLK_U_IO_PREP_IO_CMDS, IoCommand.UBLK_U_IO_COMMIT_IO_CMDS ->
                    batches.run(
                            pending.commandOp(at),
                            queueId,
                            pending.tag(at),
                            pending.result(at),
                            pending.address(at));
            case IoCommand.UBLK_U_IO_FETCH_IO_CMDS ->
                    fetch(queueId, (int) pending.address(at), pending.userData(at));
            default ->
                    queueId >= queues.count() || pending.tag(at) >= queues.description().depth()
                            ? Errno.EINVAL.negated()
                            : Errno.EOPNOTSUPP.negated();
        };
    }

    private int fetch(int queueId, int buffers, long userData) {
        if (queueId >= queues.count()) {
            return Errno.EINVAL.negated();
        }
        return delivery(queueId).fetch(tagBuffers.get(buffers), userData);
    }

    private BatchDelivery delivery(int queueId) {
        @Nullable BatchDelivery[] all = Objects.requireNonNull(deliveries);
        BatchDelivery some = all[queueId];
        if (some == null) {
            some = new BatchDelivery(this, queues.queue(queueId), dispatch);
            all[queueId] = some;
        }
        return some;
    }

    private void handOver(long userData, int result, int flags) {
        handedOver++;
        handler.onCompletion(userData, result, flags);
    }

    private void dispatchArrived() {
        if (arrived == null) {
            arrived = inbox.takeAll();
        }
        for (BlockRequest request = arrived; request != null; request = arrived) {
            arrived = Inbox.after(request);
            if (deliveries != null) {
                delivery(request.queueId()).add(request);
                continue;
            }
            UblkQueue queue = queues.queue(request.queueId());
            int tag = request.tag();
            int result = dispatch.dispatch(queue, request);
            if (result != RequestDispatch.NOTHING) {
                handOver(queue.slot(tag).userData(), result, 0);
            }
        }
        if (deliveries != null) {
            for (BatchDelivery delivery : deliveries) {
                if (delivery != null) {
                    delivery.deliver(toServer);
                }
            }
        }
    }

    private void onRingCompletion(long userData, int result, int flags) {
        if (userData == WAKE) {
            sleep.onWake();
        } else {
            handOver(userData, result, flags);
        }
    }

    /** Takes the commands of idle tags back; answers whether there were any. */
    private boolean cancelIdle(boolean tell) {
        boolean any = false;
        for (UblkQueue queue : queues.all()) {
            for (int tag = 0; tag < queue.depth(); tag++) {
                IoSlot slot = queue.slot(tag);
                if (isServed(slot, queue.id()) && slot.state() == TagState.FETCHED) {
                    any = true;
                    if (tell) {
                        slot.cancel();
                        if (deliveries == null) {
                            refused.add(slot.userData(), IoResult.UBLK_IO_RES_ABORT);
                        }
                    }
                }
            }
        }
        if (deliveries != null && tell) {
            queues.all().forEach(UblkQueue::endFetches);
            queues.all().forEach(UblkQueue::abortAside);
            for (BatchDelivery delivery : deliveries) {
                if (delivery != null) {
                    delivery.cancel(toRefused);
                }
            }
        }
        return any;
    }

    /** {@return whether a tag's next request would come over this ring, or could} */
    @SuppressWarnings("ReferenceEquality") // it is about the very ring
    private boolean isServed(IoSlot slot, int queueId) {
        if (slot.ring() == this) {
            return true;
        }
        BatchDelivery delivery = deliveries == null ? null : deliveries[queueId];
        return delivery != null && delivery.isFetching();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        assert Thread.currentThread() == owner : "on another thread than the ring's";
        closed = true;
        if (cancelIdle(false)) {
            opener.startCanceling();
        }
        BlockRequest late = inbox.close();
        abort(arrived);
        abort(late);
        boolean _ = cancelIdle(true);
        if (sleep.isArmed()) {
            ring.cancelAll(CLOSE_TIMEOUT_NANOS);
            ring.drain((userData, result, flags) -> {});
        }
        ring.close();
        sleep.close();
        opener.closed(this);
    }

    private void abort(@Nullable BlockRequest first) {
        BlockRequest request = first;
        while (request != null) {
            BlockRequest next = Inbox.after(request);
            queues.queue(request.queueId()).abort(request);
            request = next;
        }
    }

    @Override
    public String toString() {
        return "ring of %s, %d commands queued, %s"
                .formatted(owner.getName(), pending.size(), ring);
    }
}
