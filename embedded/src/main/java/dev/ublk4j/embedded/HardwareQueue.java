package dev.ublk4j.embedded;

import dev.ublk4j.linux.Errno;
import java.lang.foreign.MemorySegment;

/**
 * The driver's side of one queue: its tags' slots, its descriptors, and whether requests may go to
 * a server at all.
 */
final class HardwareQueue {
    /** Requests go to the server. */
    static final int ADMITTED = 0;

    /** Requests wait for the next server. */
    static final int HELD = 1;

    private static final int NO_SERVER = Errno.EIO.negated();

    /** {@code BLK_STS_TARGET}. */
    private static final int FAILING = Errno.EREMOTEIO.negated();

    private final Device device;
    private final int id;
    private final IoSlot[] slots;
    private final MemorySegment descriptors;

    /**
     * Of {@link Device#mutex()}: how many tags have been fetched since the char device was opened.
     */
    private int fetched;

    // Set by whoever stops the device or ends the server, read by whoever starts requests. A
    // request
    // that is started in spite of them finds its ring closed or its tag canceled, and is aborted.
    private volatile boolean canceling;
    private volatile boolean failing;
    private volatile boolean aborting;

    HardwareQueue(Device device, int id, MemorySegment descriptors) {
        this.device = device;
        this.id = id;
        this.descriptors = descriptors;
        this.slots = new IoSlot[device.depth()];
        for (int tag = 0; tag < slots.length; tag++) {
            slots[tag] = new IoSlot(this, tag);
        }
    }

    Device device() {
        return device;
    }

    int id() {
        return id;
    }

    IoSlot slot(int tag) {
        return slots[tag];
    }

    /** {@return the descriptors of all tags, whole pages} */
    MemorySegment descriptors() {
        return descriptors;
    }

    /**
     * {@return {@link #ADMITTED}, {@link #HELD}, or the negative errno that every request ends
     * with}
     */
    int admission() {
        if (failing) {
            return FAILING;
        }
        if (aborting && device.description().holdsRequests()) {
            return NO_SERVER;
        }
        if (canceling) {
            return device.description().holdsRequests() ? HELD : NO_SERVER;
        }
        return ADMITTED;
    }

    /** {@return whether requests wait for a next server when there is none} */
    boolean holdsRequests() {
        return device.description().holdsRequests();
    }

    /** Hands a request to the ring that has fetched its tag; from any thread. */
    void start(BlockRequest request) {
        EmbeddedQueueRing ring = slots[request.tag()].ring();
        if (ring == null || !ring.offer(request)) {
            abort(request);
        }
    }

    /** Takes back a request that the server has not seen. */
    void abort(BlockRequest request) {
        if (device.description().holdsRequests()) {
            request.queue().requeue(request);
        } else {
            request.queue().finish(request, NO_SERVER);
        }
    }

    /** Takes back the requests that the server had when it died. */
    void abortServed() {
        for (IoSlot slot : slots) {
            if (slot.state().isServers()) {
                BlockRequest request = slot.request();
                if (device.description().reissues()) {
                    request.queue().requeue(request);
                } else {
                    request.queue().finish(request, NO_SERVER);
                }
            }
        }
    }

    void setCanceling(boolean value) {
        canceling = value;
    }

    void fail() {
        failing = true;
    }

    void abortAll() {
        aborting = true;
    }

    /** Counts a tag as fetched; answers whether it was the last of the queue. */
    boolean countFetched() {
        return ++fetched == slots.length;
    }

    /** Opens the queue, when all tags have been fetched. */
    void ready(boolean deviceCanceling) {
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
