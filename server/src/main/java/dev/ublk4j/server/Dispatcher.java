package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Turns the completions of a queue's ring into requests of the target. Every request passes through
 * here; nothing on its way allocates unless the target blocks.
 *
 * <p>Whatever a target does, its request ends: with what it completed it with, or with an errno
 * when it threw.
 */
final class Dispatcher implements CompletionHandler {
    private static final System.Logger LOG = System.getLogger(Dispatcher.class.getName());

    private final Queue queue;
    private final TargetQueue target;
    private final QueueGuest guest;
    private final MemorySegment descriptors;
    private final int descriptorBytes;
    private final BufferTable table;
    private final QueueCounters counters;
    private final Departure departure;

    /** By tag, the data of requests where the driver does not copy it to the tag's buffer. */
    private final @Nullable RequestData[] remote;

    /** Tags whose request names a shared buffer that is being registered. */
    private final BitSet parked = new BitSet();

    /** Indexes that have been complained of. */
    private final BitSet unknown = new BitSet();

    Dispatcher(
            Queue queue,
            TargetQueue target,
            QueueGuest guest,
            MemorySegment descriptors,
            int descriptorBytes,
            BufferTable table,
            QueueCounters counters,
            Departure departure) {
        this.queue = queue;
        this.target = target;
        this.guest = guest;
        this.descriptors = descriptors;
        this.descriptorBytes = descriptorBytes;
        this.table = table;
        this.counters = counters;
        this.departure = departure;
        this.remote = new @Nullable RequestData[queue.depth()];
        UserCopy userCopy = queue.userCopy();
        for (int tag = 0; tag < remote.length; tag++) {
            if (queue.path() == DataPath.REGISTERED) {
                remote[tag] = new RequestData.InSlot(SharedData.slotOfTag(tag));
            } else if (userCopy != null) {
                remote[tag] = new RequestData.WithDriver(userCopy, tag, queue.sharedData());
            }
        }
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        if (RequestId.kind(userData) == RequestId.KIND_COMMAND) {
            onCommand(RequestId.tag(userData), result);
        } else if (RequestId.kind(userData) == RequestId.KIND_BACKEND) {
            queue.onBackend(RequestId.id(userData), result);
        } else {
            guest.completed(RequestId.guestValue(userData), result, flags);
        }
        queue.askForRests();
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
        Request request = queue.request(tag);
        long base = (long) tag * descriptorBytes;
        int opFlags = IoDescLayout.opFlags(descriptors, base);
        int op = opFlags & 0xff;
        Operation operation = Operation.ofCode(op);
        long id = queue.tags().deliver(tag);
        request.describe(descriptors, base, operation == null ? Operation.FLUSH : operation, id);
        counters.delivered(op);
        request.deliveredNanos = LatencyCounts.samples(id) ? System.nanoTime() : 0;
        if (operation == null) {
            queue.complete(id, Errno.EOPNOTSUPP.negated());
        } else if ((opFlags & IoFlag.UBLK_IO_F_SHMEM_ZC) != 0) {
            deliverShared(request);
        } else if (operation.hasData()) {
            deliverData(request);
        } else {
            request.attach(IoBuffers.none(), -1);
            queue.deliver(request, target);
        }
    }

    private void deliverData(Request request) {
        int tag = request.tag();
        long length = request.length();
        boolean isWrite = request.operation() == Operation.WRITE;
        switch (remote[tag]) {
            case RequestData.InSlot slot -> {
                counters.registered(length);
                request.attach(slot);
            }
            case RequestData.WithDriver driver -> {
                counters.copied(length);
                IoBuffers buffers = queue.buffers();
                request.attach(
                        driver.of(
                                buffers.slice(tag, length, isWrite),
                                buffers.slice(tag, length, false)));
            }
            case null, default -> {
                counters.copied(length);
                request.attach(queue.buffers().slice(tag, length, isWrite), -1);
            }
        }
        queue.deliver(request, target);
    }

    private void deliverShared(Request request) {
        long address = IoDescLayout.addr(descriptors, (long) request.tag() * descriptorBytes);
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
            queue.complete(request.id(), Errno.EIO.negated());
            return;
        }
        counters.shared(request.length());
        request.attach(data, address);
        queue.deliver(request, target);
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
            boolean isWrite = request.operation() == Operation.WRITE;
            return queue.sharedData().find(address, request.length(), isWrite);
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
            deliverShared(queue.request(tag));
        }
        queue.askForRests();
        queue.sharedData().catchUp();
        return any;
    }
}
