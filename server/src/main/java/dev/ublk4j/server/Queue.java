package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.CommandEncoding;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uring.Fallocate;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One hardware queue of a device, as its target sees it: where requests are completed, and the ring
 * over which the target does its own I/O.
 *
 * <p>A queue belongs to one thread. Only {@link #complete} and {@link #execute} may be called from
 * others.
 *
 * <p><b>How a request ends.</b> Its result is taken once, by {@link TagTable}. It then waits until
 * no call of the target for it, no I/O on the ring and no part of it is under way, for all of them
 * use its data. {@link Progress} judges the result. What is short goes back to the target for the
 * rest; what is whole is committed to the driver, or handed to the layer that sent it.
 */
public final class Queue {
    private static final System.Logger LOG = System.getLogger(Queue.class.getName());

    /**
     * How deep calls of targets and layers are nested before the next is put off. More than layers
     * are stacked, and little of a stack.
     */
    private static final int DEEPEST = 32;

    /** How deep parts may have parts: more than layers are stacked. */
    private static final int MOST_LEVELS = 256;

    /** Files that a ring has room for: more are used by their descriptors. */
    private static final int FILES = 64;

    private final int deviceId;
    private final int id;
    private final int depth;
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
    private final Departure departure;
    private final Failures failures = new Failures();
    private final Consumer<Request> settlePosted = this::settlePosted;

    private final int fetch;
    private final int commitAndFetch;

    /** Every request by its tag: those of the driver, and those that layers have made. */
    private volatile Request[] requests;

    /** Requests that layers may use, and the one that has been lent and not been sent. */
    private final ArrayDeque<Request> idle = new ArrayDeque<>();

    private @Nullable Request lent;

    /** The request that {@link #lent} is a part of by its id; 0 for none. */
    private long lentFor;

    /** Calls of targets and layers that have not returned. */
    private int nested;

    /** Parts to be sent, or that have ended, when the outermost call has returned. */
    private final ArrayDeque<Request> putOff = new ArrayDeque<>();

    /**
     * Requests of which the sending or the end was broken off, linked by {@link
     * Request#tornBefore}.
     */
    private @Nullable Request torn;

    /** Requests of which the target has done a part, and is to be asked for the rest. */
    private final List<Request> unfinished = new ArrayList<>();

    /** What other threads want done on this one. */
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    /** How much backend I/O has been named, and how many commands the ring was given; both wrap. */
    private int named;

    private int commands;

    /** Backend I/O that is under way. */
    private int backendIo;

    /** Slots for files of which some are in use; null before the first. */
    private @Nullable BitSet files;

    private boolean filesRefused;

    Queue(
            DeviceInfo info,
            int id,
            CharDevice charDevice,
            QueueRing ring,
            Arena data,
            BufferTable table,
            QueueCounters counters,
            int blockSize,
            Departure departure) {
        this.deviceId = info.deviceId();
        this.id = id;
        this.depth = info.queueDepth();
        this.ring = ring;
        this.owner = Thread.currentThread();
        this.buffers = new IoBuffers(depth, info.maxIoBufBytes(), data);
        CommandEncoding encoding = CommandEncoding.ofDevice(info.flags());
        this.fetch = encoding.op(IoCommand.UBLK_U_IO_FETCH_REQ);
        this.commitAndFetch = encoding.op(IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ);
        this.path = DataPath.of(info.flags());
        this.userCopy = path == DataPath.USER_COPY ? new UserCopy(charDevice, id) : null;
        this.tags = new TagTable(depth);
        this.doorbell = new Doorbell(ring);
        this.inbox = new AnswerInbox(doorbell);
        this.sharedData = new SharedData(table, ring.ring());
        this.counters = counters;
        this.progress = new Progress(toString(), blockSize);
        this.departure = departure;
        Request[] all = new Request[depth];
        for (int tag = 0; tag < depth; tag++) {
            all[tag] = new Request(this, tag);
        }
        this.requests = all;
    }

    /** {@return the number of the queue's device} */
    public int deviceId() {
        return deviceId;
    }

    /** {@return the queue's number within its device} */
    public int id() {
        return id;
    }

    /** {@return how many requests of the driver can be out at a time} */
    public int depth() {
        return depth;
    }

    /**
     * {@return the queue thread's io_uring} I/O that a target prepares on it goes to the kernel
     * together with the results of other requests. For what {@link #read} and its like do not do;
     * its {@code userData} comes from {@link #userData}. On the queue's thread only.
     */
    public Ring ring() {
        assert Thread.currentThread() == owner : "the ring belongs to " + owner;
        return ring.ring();
    }

    /**
     * {@return what to give I/O on the {@linkplain #ring ring} as user data, which is prepared
     * before anything else} The request does not end before the completion of that I/O has come
     * back, even when it is completed before. For I/O of different kinds at a time, make
     * {@linkplain Request#part parts}.
     *
     * @param handler called with the result, where the request is out still
     * @throws IllegalStateException when the request is not out
     */
    public long userData(Request request, RingHandler handler) {
        return request.ringIo().own(handler);
    }

    /**
     * Makes a file ready for I/O. It has to stay open until its I/O has ended.
     *
     * @param file belongs to the caller still
     */
    public RingFile register(Fd file) {
        requireOwner();
        BitSet slots = slots();
        int slot = slots == null ? FILES : slots.nextClearBit(0);
        if (slots == null || slot >= FILES) {
            return new RingFile(this, file.number(), false);
        }
        ring.ring().updateFile(slot, file.number());
        slots.set(slot);
        return new RingFile(this, slot, true);
    }

    /** {@return the slots of the ring for files, or null where it has none} */
    private @Nullable BitSet slots() {
        if (files == null && !filesRefused) {
            try {
                ring.ring().registerSparseFiles(FILES);
                files = new BitSet(FILES);
            } catch (LinuxException e) {
                // The process may have fewer descriptors. The I/O works without, a little slower.
                filesRefused = true;
                LOG.log(Level.DEBUG, () -> this + " uses files by their descriptors", e);
            }
        }
        return files;
    }

    void unregister(int slot) {
        BitSet slots = files;
        if (slots != null && slots.get(slot)) {
            slots.clear(slot);
            ring.ring().updateFile(slot, -1);
        }
    }

    /**
     * Reads a request's data from a file: goes on where the kernel reads a part, and ends the
     * request. Past the end of the file there is no data: {@code EIO}.
     *
     * @param position byte of the file where the data begins
     */
    public void read(Request request, RingFile file, long position) {
        request.ringIo().transfer(file, position, null);
    }

    /** As {@link #read(Request, RingFile, long)}, but has a handler end the request. */
    public void read(Request request, RingFile file, long position, RingHandler handler) {
        request.ringIo().transfer(file, position, handler);
    }

    /**
     * Writes a request's data to a file: goes on where the kernel writes a part, and ends the
     * request. With {@link Request#forcesUnitAccess} the data is durable then ({@code RWF_DSYNC}).
     *
     * @param position byte of the file where the data goes
     */
    public void write(Request request, RingFile file, long position) {
        request.ringIo().transfer(file, position, null);
    }

    /** As {@link #write(Request, RingFile, long)}, but has a handler end the request. */
    public void write(Request request, RingFile file, long position, RingHandler handler) {
        request.ringIo().transfer(file, position, handler);
    }

    /** Makes what has been written to a file durable ({@code fdatasync}) and ends the request. */
    public void sync(Request request, RingFile file) {
        request.ringIo().sync(file, null);
    }

    /** As {@link #sync(Request, RingFile)}, but has a handler end the request. */
    public void sync(Request request, RingFile file, RingHandler handler) {
        request.ringIo().sync(file, handler);
    }

    /**
     * Gives back the space of a request's range in a file, which then reads as zeroes ({@code
     * FALLOC_FL_PUNCH_HOLE}), and ends the request.
     *
     * @param position byte of the file where the range begins
     */
    public void punch(Request request, RingFile file, long position) {
        int mode = Fallocate.FALLOC_FL_PUNCH_HOLE | Fallocate.FALLOC_FL_KEEP_SIZE;
        request.ringIo().allocate(file, position, mode, null);
    }

    /**
     * Fills a request's range in a file with zeroes that keep their space ({@code
     * FALLOC_FL_ZERO_RANGE}), and ends the request.
     *
     * @param position byte of the file where the range begins
     */
    public void zero(Request request, RingFile file, long position) {
        int mode = Fallocate.FALLOC_FL_ZERO_RANGE | Fallocate.FALLOC_FL_KEEP_SIZE;
        request.ringIo().allocate(file, position, mode, null);
    }

    /**
     * Calls a handler after some time.
     *
     * @param handler goes on with the request; its result is 0, or a negative errno where the queue
     *     has failed
     */
    public void delay(Request request, long nanos, RingHandler handler) {
        request.ringIo().timer(nanos, handler);
    }

    /**
     * {@return a request that is no part of another} For what a layer does by itself, such as to
     * copy from one target to another. It is {@linkplain Request#submitTo sent} before the next is
     * asked for.
     *
     * @param at first byte, of the target that it is sent to
     * @param memory the data: as long as the request, and stays until that has ended
     */
    public Request request(Operation operation, long at, MemorySegment memory) {
        Request own = lend(null);
        own.describeOwn(operation, at, memory);
        return own;
    }

    /**
     * {@return whether the device stops} No more requests come from the driver then, and a layer
     * that does something by itself ends it.
     */
    public boolean isLeaving() {
        return departure.hasBegun();
    }

    /**
     * Ends a request; from any thread. See {@link TargetQueue#submit}.
     *
     * @param requestId which request, {@link Request#id}
     * @param result bytes done, 0 where no data is moved, or a negative errno
     * @throws IllegalStateException when the request has been completed already
     */
    public void complete(long requestId, int result) {
        if (!answer(requestId, result)) {
            throw notOut(requestId);
        }
    }

    /** {@return whether this result ended the request}: false when it had been completed */
    boolean answer(long requestId, int result) {
        if (Thread.currentThread() == owner) {
            return answerHere(requestId, result);
        }
        if (!tags.answer(requestId)) {
            return false;
        }
        inbox.post(requests[RequestId.tag(requestId)], result);
        return true;
    }

    /** As {@link #answer}; once the answer is taken, the request ends even if the stack is full. */
    private boolean answerHere(long requestId, int result) {
        if (!tags.isOut(requestId)) {
            return false;
        }
        Request request = requests[RequestId.tag(requestId)];
        Request parent = request.parentOrNull();
        if (!tags.answer(requestId)) {
            return false;
        }
        request.isAnsweredHere = true;
        boolean isSettled = false;
        try {
            settle(request, result);
            isSettled = true;
        } finally {
            // No call here: there may be no stack for one.
            if (!isSettled && !request.isTorn) {
                request.isTorn = true;
                request.tornFrom = parent;
                request.tornBefore = torn;
                torn = request;
            }
        }
        return true;
    }

    /** {@return what is wrong with ending a request of this id} */
    IllegalStateException notOut(long requestId) {
        if (tags.isAhead(requestId)) {
            return new IllegalStateException(
                    "a part of tag %d on %s was never sent; use Request.submitTo"
                            .formatted(RequestId.tag(requestId), this));
        }
        return new IllegalStateException(
                "request %d of tag %d on %s has already been completed"
                        .formatted(
                                RequestId.generation(requestId), RequestId.tag(requestId), this));
    }

    void requireOwner() {
        if (Thread.currentThread() != owner) {
            throw new IllegalStateException(
                    "only %s may do this; others call Queue.complete".formatted(owner));
        }
    }

    /** Gives every tag to the driver for the first time. */
    void fetchAll() {
        for (int tag = 0; tag < depth; tag++) {
            command(fetch, tag, 0);
        }
    }

    /** Hands a request of the driver to the target. */
    void deliver(Request request, TargetQueue target) {
        request.below(target);
        call(request, target, null, 0);
    }

    /** {@return a request for a layer, as a part of another or of none} */
    Request lend(@Nullable Request parent) {
        requireOwner();
        if (parent != null && !tags.isOut(parent.id())) {
            throw notOut(parent.id());
        }
        if (parent != null && parent.level() == MOST_LEVELS) {
            throw new IllegalStateException(
                    "parts of parts are no more than %d deep: %s".formatted(MOST_LEVELS, parent));
        }
        long before = lentFor;
        lentFor = 0;
        if (before != 0 && tags.isOut(before)) {
            throw new IllegalStateException(Failures.NOT_SENT);
        }
        Request part = lent;
        if (part == null) {
            part = idle.pollLast();
        }
        if (part == null) {
            part = oneMore();
        }
        lent = part;
        part.forget();
        part.lent(parent, tags.nextId(part.tag()));
        lentFor = parent == null ? 0 : parent.id();
        return part;
    }

    private Request oneMore() {
        int tag = tags.add();
        Request[] all = requests;
        if (tag == all.length) {
            all = Arrays.copyOf(all, 2 * tag);
        }
        Request made = new Request(this, tag);
        all[tag] = made;
        requests = all;
        return made;
    }

    /** Sends a request of a layer to the target that it names. */
    void send(Request request) {
        if (request != lent) {
            throw new IllegalStateException("a part is sent once, before the next: " + request);
        }
        Request parent = request.parentOrNull();
        lent = null;
        lentFor = 0;
        if (parent != null) {
            parent.partsOut++;
            parent.hasParts = true;
        }
        boolean isSent = false;
        try {
            request.begin(tags.deliver(request.tag()));
            if (isToPutOff()) {
                request.isToBeSent = true;
                request.partsOut++;
                putOff.addLast(request);
            } else {
                call(request, request.below(), null, 0);
            }
            isSent = true;
        } finally {
            // No call here: there may be no stack for one.
            if (!isSent && !request.isTorn) {
                request.isTorn = true;
                request.tornFrom = parent;
                request.tornBefore = torn;
                torn = request;
            }
        }
    }

    /**
     * Ends requests with which the queue was at work when the stack of a target that recurses was
     * full. They may be in any state in which {@link #send} and {@link #answer} leave them.
     */
    private void mendTorn() {
        for (Request part = torn; part != null; part = torn) {
            torn = part.tornBefore;
            part.tornBefore = null;
            part.isTorn = false;
            Request parent = part.tornFrom;
            part.tornFrom = null;
            mend(part);
            if (parent != null) {
                settleIfIdle(parent);
            }
        }
    }

    private void mend(Request part) {
        int tag = part.tag();
        if (part.isCounted) {
            // Its end has been told: it is only to be given back, unless it has been.
            if (tags.state(tag) == TagTable.State.ANSWERED) {
                tags.fetch(tag);
            }
            boolean _ = idle.remove(part);
            part.forget();
            idle.addLast(part);
            return;
        }
        boolean isCommitted = tag < depth && tags.state(tag) == TagTable.State.FETCHED;
        if (isCommitted || unfinished.contains(part) || putOff.contains(part)) {
            return;
        }
        if (part.isToBeSent) {
            part.isToBeSent = false;
            part.partsOut--;
        }
        if (tags.state(tag) == TagTable.State.FETCHED) {
            part.begin(tags.deliver(tag));
        }
        fail(part, Errno.EIO.negated());
        if (part.isAnsweredHere) {
            part.held = true;
            part.heldResult = Errno.EIO.negated();
        }
        settleIfIdle(part);
    }

    /**
     * {@return whether what comes now has to wait} A layer may send its next part when the last has
     * ended, over a target that ends it at once: that is a loop, and the stack must not grow with
     * it. What comes after something that waits does so too, and keeps its place.
     */
    private boolean isToPutOff() {
        return nested >= DEEPEST || (nested > 0 && !putOff.isEmpty());
    }

    /** Does what was put off, in its order, when the outermost call has returned. */
    private void catchUpIfOutermost() {
        if (nested > 0 || (putOff.isEmpty() && torn == null)) {
            return;
        }
        nested++;
        try {
            mendTorn();
            for (Request next = putOff.poll(); next != null; next = putOff.poll()) {
                if (!next.isToBeSent) {
                    tell(next, next.heldResult);
                    continue;
                }
                next.isToBeSent = false;
                next.partsOut--;
                if (next.held) {
                    settleIfIdle(next);
                } else {
                    call(next, next.below(), null, 0);
                }
            }
        } finally {
            nested--;
        }
    }

    /**
     * Calls the target for a request: with it, or with the result of its I/O. Whatever that throws
     * ends the request. I/O that was named and not prepared, because something was thrown between
     * the two, is forgotten: its completion would be waited for in vain.
     */
    private void call(Request request, TargetQueue target, @Nullable RingIo resumed, int result) {
        int namedBefore = named;
        int entriesBefore = ring.ring().preparedSoFar() - commands;
        nested++;
        request.partsOut++;
        try {
            if (resumed == null) {
                target.submit(request);
            } else {
                resumed.completed(result);
            }
        } catch (Throwable e) {
            fail(request, failures.resultOf(e, request));
        } finally {
            request.partsOut--;
            nested--;
        }
        if (request.held) {
            int missing =
                    named - namedBefore - (ring.ring().preparedSoFar() - commands - entriesBefore);
            if (missing > 0) {
                missing = Math.min(missing, request.backendIo);
                request.backendIo -= missing;
                backendIo -= missing;
            }
        }
        if (lentFor != 0) {
            failIfNotSent(request);
        }
        settleIfIdle(request);
        catchUpIfOutermost();
    }

    /** Fails a request of which a part was asked for and not sent: nobody else does that part. */
    private void failIfNotSent(Request request) {
        if (lentFor == request.id()) {
            lentFor = 0;
            if (tags.isOut(request.id()) && (request.hasParts || request.backendIo == 0)) {
                fail(request, failures.resultOfNotSent(request));
            }
        }
    }

    private void fail(Request request, int errno) {
        if (tags.answer(request.id())) {
            request.isAnsweredHere = true;
            request.held = true;
            request.heldResult = errno;
        }
    }

    /** {@return the user data of one I/O for a request, which the caller prepares at once} */
    long name(Request request) {
        requireOwner();
        if (!tags.isOut(request.id())) {
            throw notOut(request.id());
        }
        // Room first: once the I/O is counted, preparing it must not fail.
        ring.reserve(1);
        request.backendIo++;
        backendIo++;
        named++;
        return RequestId.backendUserData(request.id());
    }

    Ring rawRing() {
        return ring.ring();
    }

    /** Goes on with a request whose I/O has completed. */
    void onBackend(long requestId, int result) {
        Request request = backendDone(requestId);
        if (tags.isOut(requestId)) {
            call(request, request.below(), request.ringIo(), result);
        } else {
            settleIfIdle(request);
        }
    }

    /** Notes the end of one I/O of a request. */
    Request backendDone(long requestId) {
        Request request = requests[RequestId.tag(requestId)];
        assert request.backendIo > 0 : "completion that nobody waits for: " + request;
        request.backendIo--;
        backendIo--;
        return request;
    }

    /**
     * {@return whether the kernel still has I/O that a target started} Where {@link
     * TargetQueue#close} finds it so, the queue has failed, and the I/O could not be ended: the
     * kernel may go on to write. On the queue's thread.
     */
    public boolean hasIoLeft() {
        return backendIo > 0;
    }

    /**
     * Has something done on the queue's thread, soon; from any thread. Once the queue has ended it
     * is not done. What it throws is logged.
     */
    public void execute(Runnable task) {
        tasks.add(task);
        doorbell.ring();
    }

    /** Does what other threads have left; returns whether there was anything. */
    boolean catchUp() {
        boolean any = inbox.collect(settlePosted);
        if (!tasks.isEmpty()) {
            any = true;
            runTasks();
        }
        catchUpIfOutermost();
        return any;
    }

    /** Does those that are there now: one that asks for another waits for its turn. */
    private void runTasks() {
        for (int left = tasks.size(); left > 0; left--) {
            Runnable task = tasks.remove();
            try {
                task.run();
            } catch (Throwable e) {
                LOG.log(Level.ERROR, () -> "a task of a target failed on " + this, e);
            }
        }
    }

    private void settlePosted(Request request) {
        settle(request, request.postedResult);
    }

    /** Ends a request with a result that has been taken, as soon as nothing uses its data. */
    private void settle(Request request, int result) {
        if (request.backendIo > 0 || request.partsOut > 0) {
            request.held = true;
            request.heldResult = result;
        } else {
            end(request, result);
        }
    }

    /** Ends a request that waits for I/O and parts, when there are none. */
    private void settleIfIdle(Request request) {
        if (request.partsOut > 0 || request.backendIo > 0) {
            return;
        }
        if (request.held) {
            request.held = false;
            end(request, request.heldResult);
        } else if (request.hasParts && tags.answer(request.id())) {
            request.isAnsweredHere = true;
            int failed = request.partsResult;
            end(request, failed < 0 ? failed : request.due());
        }
    }

    private void end(Request request, int result) {
        int accepted = request.settle(progress.accept(request, result));
        if (accepted != request.due() && accepted > 0) {
            request.heldResult = accepted;
            unfinished.add(request);
            return;
        }
        int total = accepted > 0 ? request.done + accepted : accepted;
        request.becomeWhole();
        if (request.tag() < depth) {
            commit(request, total);
        } else {
            endPart(request, total);
        }
    }

    private void commit(Request request, int result) {
        int tag = request.tag();
        tags.fetch(tag);
        counters.committed(result);
        if (request.deliveredNanos != 0) {
            counters.latency().add(System.nanoTime() - request.deliveredNanos);
        }
        command(commitAndFetch, tag, result);
    }

    private void endPart(Request part, int result) {
        if (isToPutOff()) {
            part.heldResult = result;
            putOff.addLast(part);
        } else {
            tell(part, result);
            catchUpIfOutermost();
        }
    }

    /** Tells the layer that sent a part how it has ended, and then the request that it is of. */
    private void tell(Request part, int result) {
        Request parent = part.parentOrNull();
        Completion completion = part.completion();
        int counted = completion == null ? result : Errno.EIO.negated();
        nested++;
        try {
            if (completion != null) {
                counted = completion.completed(part, result);
            }
        } catch (Throwable e) {
            counted = failures.resultOf(e, part);
        } finally {
            nested--;
            part.isCounted = true;
            if (parent != null) {
                parent.partsOut--;
                if (counted < 0 && parent.partsResult == 0) {
                    parent.partsResult = counted;
                }
            }
            tags.fetch(part.tag());
            part.forget();
            idle.addLast(part);
        }
        if (parent == null) {
            return;
        }
        if (lentFor != 0) {
            failIfNotSent(parent);
        }
        // It may be a part itself, and that of another.
        nested++;
        try {
            settleIfIdle(parent);
        } finally {
            nested--;
        }
    }

    /**
     * Hands requests to the target again of which it has done a part. In a loop: where it does but
     * a block at a time, that is thousands of times.
     */
    void askForRests() {
        for (int i = 0; i < unfinished.size(); i++) {
            Request request = unfinished.get(i);
            request.goOn(tags.deliverAgain(request.tag()), request.heldResult);
            call(request, request.below(), null, 0);
        }
        unfinished.clear();
    }

    private void command(int command, int tag, int result) {
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

    /** {@return the driver's request of a tag} */
    Request request(int tag) {
        return requests[tag];
    }

    /** {@return who brings the data of requests} */
    DataPath path() {
        return path;
    }

    IoBuffers buffers() {
        return buffers;
    }

    Failures failures() {
        return failures;
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
