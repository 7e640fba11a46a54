package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.wire.IoDesc;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Turns the completions of a queue's ring into calls of the target, and the target's answers into
 * commits. Every request passes through here; nothing on its way allocates unless the target
 * blocks.
 *
 * <p>Whatever a handler does, its request is answered: with what it returned, with an errno when it
 * threw, or by {@link Queue#complete} when it said {@link Request#PENDING}.
 */
final class Dispatcher implements CompletionHandler {
    private static final System.Logger LOG = System.getLogger(Dispatcher.class.getName());

    /** A class loader that makes classes at will does not fill the memory, nor the log. */
    private static final int MOST_KINDS = 32;

    private final Queue queue;
    private final Target target;
    private final QueueGuest guest;
    private final boolean blocking;
    private final DataPath path;
    private final MemorySegment descriptors;
    private final int descriptorBytes;
    private final IoBuffers buffers;
    private final Request[] requests;
    private final BufferTable table;
    private final QueueCounters counters;
    private final Departure departure;

    /** Tags whose request names a shared buffer that is being registered. */
    private final BitSet parked = new BitSet();

    /** What handlers have thrown, which has been logged; from any thread. */
    private final Set<Class<?>> thrownBefore = ConcurrentHashMap.newKeySet();

    /** Indexes that have been complained of. */
    private final BitSet unknown = new BitSet();

    Dispatcher(
            Queue queue,
            Target target,
            QueueGuest guest,
            DataPath path,
            MemorySegment descriptors,
            int descriptorBytes,
            IoBuffers buffers,
            BufferTable table,
            QueueCounters counters,
            Departure departure) {
        this.queue = queue;
        this.target = target;
        this.guest = guest;
        this.blocking = target.blocking();
        this.path = path;
        this.descriptors = descriptors;
        this.descriptorBytes = descriptorBytes;
        this.buffers = buffers;
        this.table = table;
        this.counters = counters;
        this.departure = departure;
        this.requests = new Request[queue.depth()];
        for (int tag = 0; tag < requests.length; tag++) {
            requests[tag] = new Request(queue, tag);
        }
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        if (RequestId.kind(userData) == RequestId.KIND_COMMAND) {
            onCommand(RequestId.tag(userData), result);
        } else if (RequestId.kind(userData) == RequestId.KIND_BACKEND) {
            onBackend(RequestId.id(userData), RequestId.step(userData), result);
        } else {
            guest.completed(RequestId.guestValue(userData), result, flags);
        }
        askForRests();
    }

    /**
     * Hands requests to the target again of which it has done a part. In a loop: where it does but
     * a block at a time, that is thousands of times.
     */
    private void askForRests() {
        BitSet unfinished = queue.unfinished();
        while (!unfinished.isEmpty()) {
            for (int tag = unfinished.nextSetBit(0);
                    tag >= 0;
                    tag = unfinished.nextSetBit(tag + 1)) {
                queue.goOn(requests[tag]);
                hand(requests[tag]);
            }
        }
    }

    private void onCommand(int tag, int result) {
        if (result == IoResult.UBLK_IO_RES_OK) {
            deliver(tag);
        } else if (result == IoResult.UBLK_IO_RES_ABORT) {
            queue.tags().gone(tag);
            departure.begin();
        } else {
            throw new LinuxException("io command", queue + ", tag " + tag, result);
        }
    }

    private void deliver(int tag) {
        Request request = requests[tag];
        long base = (long) tag * descriptorBytes;
        request.describe(descriptors, base, queue.tags().deliver(tag));
        queue.delivered(tag, request);
        if (request.isShared()) {
            deliverShared(request);
        } else if (!request.hasData()) {
            request.attach(IoBuffers.none(), -1);
            hand(request);
        } else if (path == DataPath.REGISTERED) {
            counters.registered(request.length());
            request.attachSlot(SharedData.slotOfTag(tag));
            hand(request);
        } else {
            counters.copied(request.length());
            request.attach(buffers.slice(tag, request.length(), request.isWrite()), -1);
            hand(request);
        }
    }

    private void deliverShared(Request request) {
        long address = IoDesc.addr(descriptors, (long) request.tag() * descriptorBytes);
        MemorySegment data = lookUp(request, address);
        if (data == null && table.isRegistering()) {
            parked.set(request.tag());
            return;
        }
        if (data == null) {
            data = lookUp(request, address);
        }
        if (data == null) {
            counters.lost();
            complain(request, ShmemAddress.index(address));
            settle(request, request.id(), Errno.EIO.negated());
            return;
        }
        counters.shared(request.length());
        request.attach(data, address);
        hand(request);
    }

    /** Once for each buffer: there may be thousands of requests. */
    private void complain(Request request, int index) {
        if (!unknown.get(index)) {
            unknown.set(index);
            LOG.log(
                    Level.ERROR,
                    () ->
                            "%s: its data is in shared buffer %d, which this server does not have"
                                    .formatted(request, index));
        }
    }

    private @Nullable MemorySegment lookUp(Request request, long address) {
        try {
            return queue.sharedData().find(address, request.length(), request.isWrite());
        } catch (IndexOutOfBoundsException e) {
            LOG.log(Level.ERROR, () -> request + " reaches beyond its shared buffer", e);
            return null;
        }
    }

    /**
     * Looks again for the buffers of requests that were set aside, asks for the rest of those that
     * other threads have answered in part, and lets go of removed buffers.
     *
     * @return whether a request had been set aside
     */
    boolean catchUp() {
        boolean any = !parked.isEmpty();
        for (int tag = parked.nextSetBit(0); tag >= 0; tag = parked.nextSetBit(tag + 1)) {
            parked.clear(tag);
            deliverShared(requests[tag]);
        }
        askForRests();
        queue.sharedData().catchUp();
        return any;
    }

    private void hand(Request request) {
        long id = request.id();
        if (blocking) {
            handToThread(request, id);
        } else {
            settle(request, id, callHere(request));
        }
    }

    private void handToThread(Request request, long id) {
        try {
            Thread.ofVirtual()
                    .name(queue + "-" + request.tag())
                    .start(() ->
                            new CurrentRequest(queue, id).call(() -> callBlocking(request, id)));
        } catch (Throwable e) {
            settle(request, id, answerTo(e, request));
        }
    }

    private int call(Request request) {
        try {
            return request.dispatch(target);
        } catch (Throwable e) {
            return answerTo(e, request);
        }
    }

    /** Calls a handler on the queue's thread, where it may prepare I/O. */
    private int callHere(Request request) {
        queue.handlerBegins();
        int answer = call(request);
        if (answer != Request.PENDING) {
            queue.forgetUnprepared(request.tag());
        }
        return answer;
    }

    private void callBlocking(Request request, long id) {
        int answer = call(request);
        if (answer != Request.PENDING) {
            try {
                queue.complete(id, answer);
            } catch (IllegalStateException e) {
                LOG.log(Level.ERROR, "a handler answered a request that it had completed", e);
            }
        }
    }

    private void onBackend(long id, int step, int result) {
        int tag = RequestId.tag(id);
        queue.backendDone(tag);
        if (queue.tags().isOut(id)) {
            Request request = requests[tag];
            settle(request, id, resume(request, step, result));
        }
        queue.releaseHeld(tag);
    }

    private int resume(Request request, int step, int result) {
        queue.handlerBegins();
        int answer;
        try {
            answer = target.resume(request, step, result);
        } catch (Throwable e) {
            answer = answerTo(e, request);
        }
        if (answer != Request.PENDING) {
            queue.forgetUnprepared(request.tag());
        }
        return answer;
    }

    private void settle(Request request, long id, int answer) {
        if (answer != Request.PENDING && !queue.answer(id, answer)) {
            LOG.log(
                    Level.ERROR,
                    () -> "a handler answered a request that it had completed: " + request);
        }
    }

    private int answerTo(Throwable thrown, Request request) {
        if (thrown instanceof LinuxException refused && refused.number() > 0) {
            LOG.log(Level.DEBUG, () -> request + " failed: " + refused.getMessage());
            return -refused.number();
        }
        boolean isNew = thrownBefore.size() < MOST_KINDS && thrownBefore.add(thrown.getClass());
        LOG.log(
                isNew ? Level.ERROR : Level.DEBUG,
                () ->
                        "the target failed on %s; others of the kind fail silently"
                                .formatted(request),
                thrown);
        return (thrown instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EIO).negated();
    }
}
