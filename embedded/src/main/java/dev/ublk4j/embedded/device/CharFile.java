package dev.ublk4j.embedded.device;

import dev.ublk4j.embedded.queue.DataTally;
import dev.ublk4j.embedded.queue.EmbeddedQueueRing;
import dev.ublk4j.embedded.queue.IoSlot;
import dev.ublk4j.embedded.queue.QueueSet;
import dev.ublk4j.embedded.queue.RingOwner;
import dev.ublk4j.embedded.queue.ServerRing;
import dev.ublk4j.embedded.queue.UblkQueue;
import dev.ublk4j.uring.RingOptions;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One opening of a char device: what its descriptor, its mappings and its rings have in common.
 * When the last of them is closed, the server has gone. Any thread.
 */
final class CharFile implements RingOwner {
    private final QueueSet queues;
    private final ServerReadiness readiness;
    private final List<ServerRing> rings = new CopyOnWriteArrayList<>();
    private final References references;

    /**
     * Opens a char device, on behalf of a descriptor.
     *
     * @param serverGone called once, when nothing of the server is left
     */
    CharFile(QueueSet queues, ServerReadiness readiness, Runnable serverGone) {
        this.queues = queues;
        this.readiness = readiness;
        references = new References(serverGone);
    }

    /** {@return a ring of the calling thread} */
    EmbeddedQueueRing openRing(RingOptions options) {
        EmbeddedQueueRing ring = new EmbeddedQueueRing(queues, this, options);
        references.get();
        rings.add(ring);
        return ring;
    }

    @Override
    public void closed(ServerRing ring) {
        rings.remove(ring);
        queues.retire(ring.counters());
        references.put();
    }

    @Override
    public int fetch(UblkQueue queue, IoSlot slot, ServerRing ring, long address, long userData) {
        return readiness.fetch(queue, slot, ring, address, userData);
    }

    @Override
    public ReentrantLock fetchLock() {
        return readiness.mutex();
    }

    @Override
    public void unfetch(UblkQueue queue, IoSlot slot) {
        readiness.unfetch(queue, slot);
    }

    @Override
    public void startCanceling() {
        readiness.startCanceling();
    }

    /** Has every ring give its idle commands back. */
    void cancelCommands() {
        rings.forEach(ServerRing::cancelCommands);
    }

    void addCountersTo(DataTally sum) {
        for (ServerRing ring : rings) {
            ring.counters().addTo(sum);
        }
    }

    /** Adds a user. */
    void get() {
        references.get();
    }

    /** Adds a user, unless the last has gone already. */
    boolean tryGet() {
        return references.tryGet();
    }

    /** Takes a user away; the last one ends the server. */
    void put() {
        references.put();
    }
}
