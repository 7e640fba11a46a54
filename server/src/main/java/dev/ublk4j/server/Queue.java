package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uapi.wire.CommandEncoding;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uring.Ring;
import java.util.BitSet;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One hardware queue of a device, as its target sees it: where a pending request is completed, and
 * the ring over which the target does its own I/O.
 *
 * <p>A queue belongs to one thread. Only {@link #complete} and {@link #callGuest} may be called
 * from others.
 */
public final class Queue {
    private final int deviceId;
    private final int id;
    private final QueueRing ring;
    private final Thread owner;
    private final IoBuffers buffers;
    private final TagTable tags;
    private final Doorbell doorbell;
    private final AnswerInbox inbox;
    private final SharedData sharedData;
    private final DataPath path;
    private final @Nullable UserCopy userCopy;
    private final QueueCounters counters;
    private final Progress progress;
    private final IntConsumer commitPosted = this::commitPosted;

    private final int fetch;
    private final int commitAndFetch;

    /** Backend I/O that the kernel still works on, by tag: it may touch the request's data. */
    private final int[] backendIo;

    /** How much backend I/O has been named, and how many commands the ring was given; both wrap. */
    private int named;

    private int commands;

    /** What they were when the running handler was called, and how many entries the ring had. */
    private int namedBefore;

    private int commandsBefore;
    private int preparedBefore;

    /**
     * The answer of a request that waits for its backend I/O to end, or the part of an unfinished
     * one that was just done, by tag.
     */
    private final int[] heldResults;

    private final boolean[] held;

    /** Tags of whose request the target has done a part, and is to be asked for the rest. */
    private final BitSet unfinished = new BitSet();

    /** When the request was delivered, by tag; 0 where it is not timed. */
    private final long[] deliveredNanos;

    Queue(
            int deviceId,
            int id,
            int depth,
            QueueRing ring,
            IoBuffers buffers,
            CommandEncoding encoding,
            DataPath path,
            @Nullable UserCopy userCopy,
            BufferTable table,
            QueueCounters counters,
            int blockSize) {
        this.deviceId = deviceId;
        this.id = id;
        this.ring = ring;
        this.owner = Thread.currentThread();
        this.buffers = buffers;
        this.fetch = encoding.op(IoCommand.UBLK_U_IO_FETCH_REQ);
        this.commitAndFetch = encoding.op(IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ);
        this.path = path;
        this.userCopy = userCopy;
        this.tags = new TagTable(depth);
        this.doorbell = new Doorbell(ring);
        this.inbox = new AnswerInbox(depth, doorbell);
        this.sharedData = new SharedData(table, ring.ring());
        this.counters = counters;
        this.progress = new Progress(depth, toString(), blockSize);
        this.backendIo = new int[depth];
        this.heldResults = new int[depth];
        this.held = new boolean[depth];
        this.deliveredNanos = new long[depth];
    }

    /** {@return the number of the queue's device} */
    public int deviceId() {
        return deviceId;
    }

    /** {@return the queue's number within its device} */
    public int id() {
        return id;
    }

    /** {@return how many requests can be out at a time} */
    public int depth() {
        return heldResults.length;
    }

    /**
     * {@return the queue thread's io_uring} I/O that a target prepares on it goes to the kernel
     * together with the answers of other requests. Its {@code userData} comes from {@link
     * #userData}, and its completion goes to {@link Target#resume}. On the queue's thread only.
     */
    public Ring ring() {
        assert Thread.currentThread() == owner : "the ring belongs to " + owner;
        return ring.ring();
    }

    /**
     * {@return what to give one I/O on the {@linkplain #ring ring} as user data} The request is not
     * committed before the completion of that I/O has come back, even when it is answered before.
     *
     * @param requestId the {@linkplain Request#id() request} that the I/O is done for
     * @param step 0 to 255, handed to {@link Target#resume}
     * @throws IllegalStateException when the request is not out
     */
    public long userData(long requestId, int step) {
        assert Thread.currentThread() == owner : "the ring belongs to " + owner;
        assert step >= 0 && step <= RequestId.MAX_STEP : step;
        if (!tags.isOut(requestId)) {
            throw notOut(requestId);
        }
        // Room first: once the I/O is counted, preparing it must not fail.
        ring.ring().reserve(1);
        backendIo[RequestId.tag(requestId)]++;
        named++;
        return RequestId.backendUserData(requestId, step);
    }

    /**
     * {@return what to give I/O of the queue's {@link QueueGuest} on the {@linkplain #ring ring} as
     * user data}
     *
     * @param value below 2 to the 60th, handed to {@link QueueGuest#completed}
     */
    public static long guestUserData(long value) {
        return RequestId.guestUserData(value);
    }

    /** {@return whether user data is of I/O of the guest} */
    public static boolean isGuests(long userData) {
        return RequestId.kind(userData) == RequestId.KIND_GUEST;
    }

    /** {@return what was given to {@link #guestUserData}} */
    public static long guestValue(long userData) {
        return RequestId.guestValue(userData);
    }

    /** Has the {@link QueueGuest} called again soon; from any thread. */
    public void callGuest() {
        doorbell.ring();
    }

    /**
     * Completes a request for which a handler has returned {@link Request#PENDING}; from any
     * thread.
     *
     * @param requestId which request
     * @param result as a handler's: bytes done, 0 where there are none to count, or a negative
     *     errno
     * @throws IllegalStateException when the request has been completed already
     */
    public void complete(long requestId, int result) {
        if (!tags.answer(requestId)) {
            throw notOut(requestId);
        }
        int tag = RequestId.tag(requestId);
        if (Thread.currentThread() == owner) {
            commit(tag, result);
        } else {
            inbox.post(tag, result);
        }
    }

    private IllegalStateException notOut(long requestId) {
        return new IllegalStateException(
                "request %d of tag %d on %s is not out: it has been completed"
                        .formatted(
                                RequestId.generation(requestId), RequestId.tag(requestId), this));
    }

    /**
     * {@return whether the handler's own answer ended the request}: false when it had been
     * completed
     */
    boolean answer(long requestId, int result) {
        if (!tags.answer(requestId)) {
            return false;
        }
        commit(RequestId.tag(requestId), result);
        return true;
    }

    /** Notes that a handler is about to be called, which may prepare I/O. */
    void handlerBegins() {
        namedBefore = named;
        commandsBefore = commands;
        preparedBefore = ring.ring().preparedSoFar();
    }

    /**
     * Forgets backend I/O that the handler has named and not prepared, because something was thrown
     * between the two: its completion would be waited for in vain. For a handler that has ended its
     * request; one that has not may prepare it yet.
     */
    void forgetUnprepared(int tag) {
        int entries = ring.ring().preparedSoFar() - preparedBefore - (commands - commandsBefore);
        int missing = named - namedBefore - entries;
        if (missing > 0) {
            backendIo[tag] -= Math.min(missing, backendIo[tag]);
        }
    }

    /** Gives every tag to the driver for the first time. */
    void fetchAll() {
        for (int tag = 0; tag < depth(); tag++) {
            send(fetch, tag, 0);
        }
    }

    /** Notes that a request has arrived. */
    void delivered(int tag, Request request) {
        counters.delivered(request.op());
        progress.asked(tag, request);
        deliveredNanos[tag] = LatencyCounts.samples(request.id()) ? System.nanoTime() : 0;
    }

    /** Commits what other threads have answered; answers whether there may have been anything. */
    boolean commitPosted() {
        return inbox.collect(commitPosted);
    }

    private void commitPosted(int tag) {
        commit(tag, inbox.result(tag));
    }

    private void commit(int tag, int result) {
        if (backendIo[tag] > 0) {
            held[tag] = true;
            heldResults[tag] = result;
            return;
        }
        int accepted = progress.accept(tag, result);
        if (userCopy != null) {
            accepted = userCopy.settle(tag, accepted);
        }
        if (progress.isShort(tag, accepted)) {
            progress.advance(tag, accepted);
            heldResults[tag] = accepted;
            unfinished.set(tag);
            return;
        }
        int answer = progress.total(tag, accepted);
        tags.fetch(tag);
        counters.committed(answer);
        if (deliveredNanos[tag] != 0) {
            counters.latency().add(System.nanoTime() - deliveredNanos[tag]);
        }
        send(commitAndFetch, tag, answer);
    }

    /** {@return the tags of requests that {@link #goOn} is to be called for} */
    BitSet unfinished() {
        return unfinished;
    }

    /** Makes the rest of an unfinished request the request of its tag. */
    void goOn(Request request) {
        int tag = request.tag();
        unfinished.clear(tag);
        request.goOn(tags.deliverAgain(tag), heldResults[tag]);
    }

    private void send(int command, int tag, int result) {
        long userData = RequestId.commandUserData(tag);
        int before = ring.ring().preparedSoFar();
        switch (path) {
            case COPIED -> ring.command(command, id, tag, result, buffers.address(tag), userData);
            case USER_COPY -> ring.command(command, id, tag, result, 0, userData);
            case REGISTERED ->
                    ring.commandWithSlot(
                            command, id, tag, result, SharedData.slotOfTag(tag), userData);
        }
        commands += ring.ring().preparedSoFar() - before;
    }

    /** Notes the end of one backend I/O of a tag. */
    void backendDone(int tag) {
        assert backendIo[tag] > 0 : "completion that nobody waits for, tag " + tag;
        backendIo[tag]--;
    }

    /**
     * {@return whether the kernel still has I/O that a target started} Where {@link
     * Target#queueStopped} is told so, the queue has failed, and the I/O could not be ended: the
     * kernel may go on to write. On the queue's thread.
     */
    public boolean hasIoLeft() {
        return hasBackendIo();
    }

    /** {@return whether the kernel has I/O of any tag, or is about to get it} */
    boolean hasBackendIo() {
        for (int count : backendIo) {
            if (count > 0) {
                return true;
            }
        }
        return false;
    }

    /** Commits the answer that was waiting for the backend I/O of a tag, when there is one. */
    void releaseHeld(int tag) {
        if (held[tag] && backendIo[tag] == 0) {
            held[tag] = false;
            commit(tag, heldResults[tag]);
        }
    }

    TagTable tags() {
        return tags;
    }

    /** {@return what copies the data of requests, or null when the driver does} */
    @Nullable UserCopy userCopy() {
        return userCopy;
    }

    SharedData sharedData() {
        return sharedData;
    }

    /** {@return what makes the queue's thread look around} */
    Doorbell doorbell() {
        return doorbell;
    }

    @Override
    public String toString() {
        return "ublk" + deviceId + "-q" + id;
    }
}
