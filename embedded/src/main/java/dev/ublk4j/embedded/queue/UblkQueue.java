package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.embedded.block.QueueDriver;
import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.linux.Errno;
import java.lang.foreign.MemorySegment;

/**
 * The driver's side of one queue: its tags' slots, its descriptors, and whether requests may go to
 * a server at all.
 */
public final class UblkQueue implements QueueDriver {
    private static final int NO_SERVER = Errno.EIO.negated();

    /** {@code BLK_STS_TARGET}. */
    private static final int FAILING = Errno.EREMOTEIO.negated();

    private final DeviceDescription description;
    private final int id;
    private final IoSlot[] slots;
    private final MemorySegment descriptors;

    /** Of who counts: how many tags have been fetched since the char device was opened. */
    private int fetched;

    // Set by whoever stops the device or ends the server, read by whoever starts requests. One that
    // is started in spite of them finds its ring closed or its tag canceled, and is aborted.
    private volatile boolean canceling;
    private volatile boolean failing;
    private volatile boolean aborting;

    UblkQueue(DeviceDescription description, int id, MemorySegment descriptors) {
        this.description = description;
        this.id = id;
        this.descriptors = descriptors;
        this.slots = new IoSlot[description.depth()];
        for (int tag = 0; tag < slots.length; tag++) {
            slots[tag] = new IoSlot(id, tag);
        }
    }

    /** {@return the queue's number} */
    public int id() {
        return id;
    }

    /** {@return how many tags there are} */
    public int depth() {
        return slots.length;
    }

    /** {@return what is known of a tag} */
    public IoSlot slot(int tag) {
        return slots[tag];
    }

    boolean isServedBy(Thread thread) {
        for (IoSlot slot : slots) {
            if (slot.thread() == thread) {
                return true;
            }
        }
        return false;
    }

    /** {@return the descriptors of all tags, whole pages} */
    public MemorySegment descriptors() {
        return descriptors;
    }

    @Override
    public int admission() {
        if (failing) {
            return FAILING;
        }
        if (aborting && description.holdsRequests()) {
            return NO_SERVER;
        }
        if (canceling) {
            return description.holdsRequests() ? HELD : NO_SERVER;
        }
        return ADMITTED;
    }

    @Override
    public boolean holdsRequests() {
        return description.holdsRequests();
    }

    /** Hands a request to the ring that has fetched its tag; from any thread. */
    @Override
    public void start(BlockRequest request) {
        ServerRing ring = slots[request.tag()].ring();
        if (ring == null || !ring.offer(request)) {
            abort(request);
        }
    }

    /** Takes back a request that the server has not seen. */
    void abort(BlockRequest request) {
        if (description.holdsRequests()) {
            request.requeue();
        } else {
            request.finish(NO_SERVER);
        }
    }

    /** Takes back the requests that the server had when it died. */
    void abortServed() {
        for (IoSlot slot : slots) {
            if (slot.state().isServers()) {
                BlockRequest request = slot.request();
                if (description.reissues()) {
                    request.requeue();
                } else {
                    request.finish(NO_SERVER);
                }
            }
        }
    }

    void cancel() {
        canceling = true;
    }

    void fail() {
        failing = true;
    }

    void abortAll() {
        aborting = true;
    }

    /** Counts a tag as fetched; answers whether it was the last of the queue. */
    public boolean countFetched() {
        return ++fetched == slots.length;
    }

    /**
     * Opens the queue, when all tags have been fetched.
     *
     * @param deviceCanceling whether requests are kept from the server all the same
     */
    public void ready(boolean deviceCanceling) {
        if (!deviceCanceling) {
            canceling = false;
        }
        failing = false;
        aborting = false;
    }

    /** Forgets the server's commands, after it has gone. */
    void reset() {
        fetched = 0;
        for (IoSlot slot : slots) {
            slot.reset();
        }
    }
}
