package dev.ublk4j.server;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uring.Fallocate;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One hardware queue of a device, as its target sees it: where requests are completed, and the ring
 * over which the target does its own I/O. With {@link ServerThreads}, what one of the threads
 * serves of all queues.
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

    /** How deep parts may have parts: more than layers are stacked. */
    private static final int MOST_LEVELS = 256;

    private final int deviceId;
    private final int id;
    private final String name;
    private final int depth;
    private final QueueRing ring;
    private final Thread owner;
    private final TagTable tags;
    private final Doorbell doorbell;
    private final AnswerInbox inbox;
    private final SharedData sharedData;
    private final @Nullable MetadataCopy metadata;
    private final DataPath path;
    private final IoCommands ioCommands;
    private final QueueCounters counters;
    private final Progress progress;
    private final Departure departure;
    private final Failures failures = new Failures();
    private final Consumer<Request> settlePosted = this::settlePosted;

    /** Every request by its tag: those of the driver, and those that layers have made. */
    private volatile Request[] requests;

    /** Requests that layers may use, and the one that has been lent and not been sent. */
    private final ArrayDeque<Request> idle = new ArrayDeque<>();

    private @Nullable Request lent;

    /** The request that {@link #lent} is a part of by its id; 0 for none. */
    private long lentFor;

    private final Nesting nesting = new Nesting(this);

    /** Tags of requests that are to be committed, and their results. */
    private final int[] ended;

    private final int[] endedResults;
    private int endedCount;

    /** Requests of which the target has done a part, and is to be asked for the rest. */
    private final List<Request> unfinished = new ArrayList<>();

    /** What other threads want done on this one. */
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    /** How much backend I/O has been named; wraps. */
    private int named;

    /** Backend I/O that is under way. */
    private int backendIo;

    /** What is no I/O of the ring's may still write to the memory of requests. */
    private boolean keepsMemory;

    /**
     * Opens a queue on its thread.
     *
     * @param served the tags of the thread
     * @param arena outlives the ring
     * @param data holds what is read and written for requests; outlives the arena
     * @param integrity of the device's metadata, null for none
     */
    Queue(
            DeviceInfo info,
            ServedTags served,
            CharDevice charDevice,
            QueueRing ring,
            Arena arena,
            Arena data,
            BufferTable table,
            QueueCounters counters,
            int blockSize,
            @Nullable IntegrityFormat integrity,
            Departure departure) {
        this.deviceId = info.deviceId();
        this.id = served.thread();
        this.name = served.isOneQueue() ? "-q" : "-t";
        this.depth = served.count();
        this.ring = ring;
        this.owner = Thread.currentThread();
        this.tags = new TagTable(depth);
        this.ended = new int[depth];
        this.endedResults = new int[depth];
        this.doorbell = new Doorbell(ring);
        this.inbox = new AnswerInbox(doorbell);
        this.sharedData = new SharedData(table, ring.ring(), depth);
        this.path = DataPath.open(info, served, charDevice, ring, sharedData, counters, data);
        this.metadata = integrity == null ? null : new MetadataCopy(charDevice, served, integrity);
        this.ioCommands = IoCommands.open(info, served, ring, path, arena);
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

    /** {@return the queue's number within its device; with {@link ServerThreads}, the thread's} */
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
     * its {@code userData} comes from {@link #userData}, and room for several entries from {@link
     * #reserve}. On the queue's thread only.
     */
    public Ring ring() {
        assert Thread.currentThread() == owner : "the ring belongs to " + owner;
        return ring.ring();
    }

    /**
     * Makes room for entries that a target prepares on the {@linkplain #ring ring} itself, such as
     * linked ones, which must go to the kernel together. Not {@link Ring#reserve}, which would
     * submit what the testkit's faults have not seen.
     *
     * @param count at most the size of the ring
     */
    public void reserve(int count) {
        requireOwner();
        ring.reserve(count);
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
        int slot = ring.files().add(file.number());
        return new RingFile(this, slot < 0 ? file.number() : slot, slot >= 0);
    }

    void unregister(int slot) {
        ring.files().remove(slot);
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
     * {@return whether this process is about to stop the device, or it stops} The driver waits for
     * what is out: a target that holds requests back on purpose ends them.
     */
    public boolean isStopping() {
        return departure.isAnnounced();
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
                request.tornBefore = nesting.torn;
                nesting.torn = request;
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
            if (nesting.isTooDeep()) {
                request.isToBeSent = true;
                request.partsOut++;
                nesting.putOff(request);
            } else {
                call(request, request.below(), null, 0);
            }
            isSent = true;
        } finally {
            // No call here: there may be no stack for one.
            if (!isSent && !request.isTorn) {
                request.isTorn = true;
                request.tornFrom = parent;
                request.tornBefore = nesting.torn;
                nesting.torn = request;
            }
        }
    }

    /** Goes on with a part that had to wait: it is sent, or its end told. */
    void goOnWithPutOff(Request part) {
        if (!part.isToBeSent) {
            tell(part, part.heldResult);
            return;
        }
        part.isToBeSent = false;
        part.partsOut--;
        if (part.held) {
            settleIfIdle(part);
        } else {
            call(part, part.below(), null, 0);
        }
    }

    /** Makes a part that has ended one that may be lent again, whatever had been done of that. */
    void giveBack(Request part) {
        if (tags.state(part.tag()) == TagTable.State.ANSWERED) {
            tags.fetch(part.tag());
        }
        boolean _ = idle.remove(part);
        part.forget();
        idle.addLast(part);
    }

    /** {@return whether a request is the driver's, and not a layer's} */
    boolean isDrivers(Request request) {
        return request.tag() < depth;
    }

    /** {@return whether the target is to be asked for the rest of a request} */
    boolean isUnfinished(Request request) {
        return unfinished.contains(request);
    }

    /**
     * Calls the target for a request: with it, or with the result of its I/O. Whatever that throws
     * ends the request. I/O that was named and not prepared, because something was thrown between
     * the two, is forgotten: its completion would be waited for in vain.
     */
    private void call(Request request, TargetQueue target, @Nullable RingIo resumed, int result) {
        int namedBefore = named;
        int entriesBefore = ring.ring().preparedSoFar();
        nesting.depth++;
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
            nesting.depth--;
        }
        if (request.held) {
            int missing = named - namedBefore - (ring.ring().preparedSoFar() - entriesBefore);
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
        nesting.catchUpIfOutermost();
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

    void fail(Request request, int errno) {
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
        return backendIo > 0 || keepsMemory;
    }

    /**
     * Has the memory of requests stay for good: something that the target gave it to, and that
     * nobody can end, may still write there. For {@link TargetQueue#close} of a queue that has
     * failed. On the queue's thread.
     */
    public void keepMemory() {
        requireOwner();
        keepsMemory = true;
    }

    /** {@return whether a target has had the memory of requests kept} */
    boolean keepsMemory() {
        return keepsMemory;
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
        nesting.catchUpIfOutermost();
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
    void settleIfIdle(Request request) {
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
        if (request.reportsZones) {
            commit(request, result);
            return;
        }
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

    /**
     * Notes that a request of the driver has ended. Its command is prepared by {@link
     * #commitEnded}, where nothing of a target is on the stack: prepared where the stack is full,
     * it would be lost, or half written.
     */
    private void commit(Request request, int result) {
        int tag = request.tag();
        // No call from here on.
        ended[endedCount] = tag;
        endedResults[endedCount] = result;
        endedCount++;
        request.isToBeCommitted = true;
    }

    /** Prepares the commands that commit the requests which have ended. */
    void commitEnded() {
        nesting.catchUpIfOutermost();
        for (int i = 0; i < endedCount; i++) {
            int tag = ended[i];
            int result = endedResults[i];
            Request request = requests[tag];
            request.isToBeCommitted = false;
            tags.fetch(tag);
            counters.committed(result);
            counters.latency().end(request.deliveredNanos);
            path.release(tag);
            if (request.operation() == Operation.ZONE_APPEND) {
                ioCommands.commitAppend(tag, result, Sectors.ofBytes(request.appended()));
            } else {
                ioCommands.commit(tag, result);
            }
        }
        endedCount = 0;
    }

    private void endPart(Request part, int result) {
        if (nesting.isTooDeep()) {
            part.heldResult = result;
            nesting.putOff(part);
        } else {
            tell(part, result);
            nesting.catchUpIfOutermost();
        }
    }

    /** Tells the layer that sent a part how it has ended, and then the request that it is of. */
    private void tell(Request part, int result) {
        Request parent = part.parentOrNull();
        Completion completion = part.completion();
        int counted = completion == null ? result : Errno.EIO.negated();
        nesting.depth++;
        try {
            if (completion != null) {
                counted = completion.completed(part, result);
            }
        } catch (Throwable e) {
            counted = failures.resultOf(e, part);
        } finally {
            nesting.depth--;
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
        nesting.depth++;
        try {
            settleIfIdle(parent);
        } finally {
            nesting.depth--;
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

    /** {@return the driver's request of a tag} */
    Request request(int tag) {
        return requests[tag];
    }

    /** {@return the way of the data of requests} */
    DataPath path() {
        return path;
    }

    /** {@return what copies integrity metadata, or null on a device without} */
    @Nullable MetadataCopy metadata() {
        return metadata;
    }

    /** {@return how tags go to the driver and come back} */
    IoCommands ioCommands() {
        return ioCommands;
    }

    Failures failures() {
        return failures;
    }

    TagTable tags() {
        return tags;
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
        return "ublk" + deviceId + name + id;
    }
}
