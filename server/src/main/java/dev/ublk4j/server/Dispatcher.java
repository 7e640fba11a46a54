package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;
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
    private final Descriptors descriptors;
    private final BufferTable table;
    private final QueueCounters counters;
    private final Departure departure;
    private final @Nullable ZoneReport zones;

    /** Tags whose request names a shared buffer that is being registered. */
    private final BitSet parked = new BitSet();

    /** Indexes that have been complained of. */
    private final BitSet unknown = new BitSet();

    Dispatcher(
            Queue queue,
            TargetQueue target,
            QueueGuest guest,
            Descriptors descriptors,
            BufferTable table,
            QueueCounters counters,
            Departure departure,
            @Nullable ZoneReport zones) {
        this.queue = queue;
        this.target = target;
        this.guest = guest;
        this.descriptors = descriptors;
        this.table = table;
        this.counters = counters;
        this.departure = departure;
        this.zones = zones;
    }

    @Override
    public void onCompletion(long userData, int result, int flags) {
        switch (RequestId.kind(userData)) {
            case RequestId.KIND_COMMAND -> onCommand(RequestId.tag(userData), result);
            case RequestId.KIND_BACKEND -> queue.onBackend(RequestId.id(userData), result);
            case RequestId.KIND_BATCH -> onBatch(RequestId.tag(userData), result, flags);
            case RequestId.KIND_PAGES ->
                    queue.path().pagesCompleted(RequestId.tag(userData), result);
            default -> guest.completed(RequestId.guestValue(userData), result, flags);
        }
        queue.askForRests();
    }

    private void onBatch(int what, int result, int flags) {
        ((BatchCommands) queue.ioCommands()).completed(what, result, flags, this);
    }

    private void onCommand(int tag, int result) {
        if (result == IoResult.UBLK_IO_RES_OK) {
            deliver(tag);
        } else if (result == IoResult.UBLK_IO_RES_NEED_GET_DATA) {
            nameBuffer(tag);
        } else if (result == IoResult.UBLK_IO_RES_ABORT) {
            queue.tags().gone(tag);
            takenBack();
        } else {
            throw new LinuxException("io command", queue + ", tag " + tag, result);
        }
    }

    /** The driver tells of a write whose data it will copy when it knows where to. */
    private void nameBuffer(int tag) {
        MemorySegment area = descriptors.of(tag);
        long base = descriptors.base(tag);
        int opFlags = IoDescLayout.opFlags(area, base);
        long described = IoDescLayout.addr(area, base);
        long address = queue.path().bufferOfWrite(tag, opFlags, described);
        ((TagCommands) queue.ioCommands()).getData(tag, address);
    }

    /** The driver takes tags back: the device stops, or another server is to come. */
    void takenBack() {
        departure.begin();
    }

    /** Hands the request of a tag to the target, as the driver has described it. */
    void deliver(int tag) {
        Request request = queue.request(tag);
        MemorySegment area = descriptors.of(tag);
        long base = descriptors.base(tag);
        int opFlags = IoDescLayout.opFlags(area, base);
        int op = opFlags & 0xff;
        Operation operation = operationOf(op);
        long id = queue.tags().deliver(tag);
        request.describe(area, base, operation == null ? Operation.FLUSH : operation, id);
        counters.delivered(op);
        request.deliveredNanos = counters.latency().begin();
        if (operation == null && zones != null && op == IoOp.UBLK_IO_OP_REPORT_ZONES) {
            request.reportsZones = true;
            queue.complete(id, report(zones, tag));
        } else if (operation == null) {
            queue.complete(id, Errno.EOPNOTSUPP.negated());
        } else if ((opFlags & IoFlag.UBLK_IO_F_SHMEM_ZC) != 0) {
            deliverShared(request);
        } else {
            if (operation.hasData()) {
                queue.path().attach(request, opFlags);
            } else {
                request.attach(IoBuffers.none(), -1);
            }
            queue.deliver(request, target);
        }
    }

    /** {@return the operation of a number, or null for one that this device does not serve} */
    private @Nullable Operation operationOf(int code) {
        Operation operation = Operation.ofCode(code);
        return operation != null && operation.isOfZones() && zones == null ? null : operation;
    }

    private int report(ZoneReport asked, int tag) {
        MemorySegment area = descriptors.of(tag);
        long base = descriptors.base(tag);
        long start = Sectors.toBytes(IoDescLayout.startSector(area, base));
        long most = Integer.toUnsignedLong(IoDescLayout.nrZones(area, base));
        try {
            return queue.path().report(tag, asked, start, most);
        } catch (Throwable e) {
            try {
                LOG.log(Level.ERROR, () -> "the target cannot tell of its zones, on " + queue, e);
            } catch (Throwable _) {
                // The request ends whatever was thrown.
            }
            return (e instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EIO).negated();
        }
    }

    private void deliverShared(Request request) {
        int tag = request.tag();
        long address = IoDescLayout.addr(descriptors.of(tag), descriptors.base(tag));
        MemorySegment data = lookUp(request, address);
        if (data == null && table.isRegistering()) {
            parked.set(tag);
            return;
        }
        if (data == null) {
            data = lookUp(request, address);
        }
        if (data == null) {
            counters.lost();
            try {
                complain(request, ShmemAddress.index(address));
            } finally {
                queue.complete(request.id(), Errno.EIO.negated());
            }
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
            boolean isWrite = request.operation().bringsData();
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
