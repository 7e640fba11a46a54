package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.embedded.features.DriverSettings;
import dev.ublk4j.embedded.range.RangeTable;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/** The queues of a device, and what is counted of all of them. Any thread. */
public final class QueueSet {
    private static final Duration RECHECK = Duration.ofNanos(100_000);

    private final DeviceDescription description;
    private final DriverSettings settings;
    private final RangeTable buffers;
    private final List<UblkQueue> queues;
    private final DataTally retired = new DataTally();
    private final LongAdder userCopies = new LongAdder();

    /**
     * Makes the queues that a device is described to have.
     *
     * @param buffers what the device's requests are matched with
     * @param arena as long as this is used
     */
    public QueueSet(
            DeviceDescription description,
            DriverSettings settings,
            RangeTable buffers,
            Arena arena) {
        this.description = description;
        this.settings = settings;
        this.buffers = buffers;
        long bytes =
                BufferOffset.descriptorBytes(
                        description.depth(), description.descriptorBytes(), Pages.SIZE);
        List<UblkQueue> made = new ArrayList<>();
        for (int id = 0; id < description.queues(); id++) {
            MemorySegment descriptors = Mapping.anonymous(bytes, Mapping.MAP_PRIVATE, arena);
            made.add(new UblkQueue(description, id, descriptors));
        }
        queues = List.copyOf(made);
    }

    /** {@return what {@code ADD_DEV} settled} */
    public DeviceDescription description() {
        return description;
    }

    /** {@return what the driver assumes of the machine} */
    public DriverSettings settings() {
        return settings;
    }

    RangeTable buffers() {
        return buffers;
    }

    /** {@return how many queues there are} */
    public int count() {
        return queues.size();
    }

    /** {@return a queue by its number, below {@link #count}} */
    public UblkQueue queue(int id) {
        return queues.get(id);
    }

    /** {@return all queues, by number} */
    public List<UblkQueue> all() {
        return queues;
    }

    /** {@return the numbers of the queues of which a thread has fetched a tag} */
    public BitSet servedBy(Thread thread) {
        BitSet served = new BitSet();
        for (UblkQueue queue : queues) {
            served.set(queue.id(), queue.isServedBy(thread));
        }
        return served;
    }

    /** Keeps requests from the server until it has fetched its tags anew. */
    public void cancel() {
        queues.forEach(UblkQueue::cancel);
    }

    /** Ends requests from now on with the error of a device whose server has gone. */
    public void fail() {
        queues.forEach(UblkQueue::fail);
    }

    /** Ends even those requests that wait for a next server. */
    public void abortAll() {
        queues.forEach(UblkQueue::abortAll);
    }

    /** Takes back the requests that the server had when it died. */
    public void abortServed() {
        queues.forEach(UblkQueue::abortServed);
    }

    /** Waits for copies of request data that threads are in the middle of, and lets none begin. */
    public void awaitCopies() {
        for (UblkQueue queue : queues) {
            for (int tag = 0; tag < queue.depth(); tag++) {
                IoSlot slot = queue.slot(tag);
                if (!slot.closeReferences()) {
                    boolean _ = Deadline.never().poll(RECHECK, slot::closeReferences);
                }
            }
        }
    }

    /** Forgets the server's commands, after it has gone. */
    public void reset() {
        queues.forEach(UblkQueue::reset);
    }

    /** Counts what a server has copied itself. */
    void countUserCopy(long bytes) {
        userCopies.add(bytes);
    }

    /** Keeps the counts of a ring that is closed. */
    public void retire(DataTally ring) {
        synchronized (retired) {
            ring.addTo(retired);
        }
    }

    /** Adds the counts of closed rings, and of what servers have copied themselves. */
    public void addCountersTo(DataTally sum) {
        synchronized (retired) {
            retired.addTo(sum);
        }
        sum.countCopy(userCopies.sum());
    }
}
