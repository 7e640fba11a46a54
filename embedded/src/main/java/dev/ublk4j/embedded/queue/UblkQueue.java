package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.embedded.block.QueueDriver;
import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

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
    private volatile boolean fetchesEnded;

    /** Rings with a {@code FETCH_IO_CMDS} under way; replaced as a whole. */
    private volatile ServerRing[] fetchers = {};

    /** Requests that no ring fetches at the moment. */
    private final ConcurrentLinkedQueue<BlockRequest> aside = new ConcurrentLinkedQueue<>();

    UblkQueue(DeviceDescription description, int id, MemorySegment descriptors) {
        this.description = description;
        this.id = id;
        this.descriptors = descriptors;
        this.slots = new IoSlot[description.depth()];
        for (int tag = 0; tag < slots.length; tag++) {
            slots[tag] = new IoSlot(id, tag, description.isBatch());
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

    /** Hands a request to a ring that has fetched it or its tag; from any thread. */
    @Override
    public void start(BlockRequest request) {
        if (description.isBatch()) {
            ServerRing[] rings = fetchers;
            if (rings.length == 0 || !rings[request.tag() % rings.length].offer(request)) {
                putAside(request);
            }
            return;
        }
        ServerRing ring = slots[request.tag()].ring();
        if (ring == null || !ring.offer(request)) {
            abort(request);
        }
    }

    /** Keeps a request until a ring fetches it; from any thread. */
    void putAside(BlockRequest request) {
        aside.add(request);
        if (refusesFetches()) {
            abortAside();
            return;
        }
        // One that has begun to fetch before the request was here has not seen it.
        ServerRing[] rings = fetchers;
        if (rings.length != 0) {
            rings[0].deliver();
        }
    }

    /** {@return a request that waits for a fetch, or null} */
    @Nullable BlockRequest takeAside() {
        return aside.poll();
    }

    /** {@return whether requests wait for a fetch} */
    boolean hasAside() {
        return !aside.isEmpty();
    }

    /** Takes back the requests that wait for a fetch. */
    void abortAside() {
        for (@Nullable BlockRequest request = aside.poll();
                request != null;
                request = aside.poll()) {
            abort(request);
        }
    }

    /** Notes that a ring fetches requests. */
    synchronized void addFetcher(ServerRing ring) {
        ServerRing[] more = Arrays.copyOf(fetchers, fetchers.length + 1);
        more[fetchers.length] = ring;
        fetchers = more;
    }

    /** Notes that a ring does not any more. */
    @SuppressWarnings("ReferenceEquality") // it is about the very ring
    synchronized void removeFetcher(ServerRing ring) {
        fetchers = Arrays.stream(fetchers).filter(some -> some != ring).toArray(ServerRing[]::new);
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

    /** Keeps requests from the server, until the queue is {@linkplain #ready ready}. */
    public void cancel() {
        canceling = true;
    }

    /** Refuses fetches of many tags, until the queue is {@linkplain #ready ready} again. */
    void endFetches() {
        fetchesEnded = true;
    }

    /** {@return whether fetches of many tags are refused} */
    boolean refusesFetches() {
        return canceling || fetchesEnded;
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

    /** {@return whether all tags have been fetched} */
    public boolean isFetched() {
        return fetched == slots.length;
    }

    /** Counts a tag as not fetched again. */
    public void unfetch(IoSlot slot) {
        fetched--;
        slot.reset();
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
        fetchesEnded = false;
    }

    /** Forgets the server's commands, after it has gone. */
    void reset() {
        fetched = 0;
        fetchesEnded = false;
        for (IoSlot slot : slots) {
            slot.reset();
        }
    }
}
