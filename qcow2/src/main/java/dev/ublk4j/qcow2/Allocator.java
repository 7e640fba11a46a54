package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Queue;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Everything that changes the tables of an image, on a thread of its own, which may wait for the
 * file. What the queues ask of it is done in turn, and what has come together is written together.
 *
 * <p><b>Order.</b> An image is whole at any time, whatever of it a machine that loses its power has
 * written, because what refers to something is written when that is durable:
 *
 * <ol>
 *   <li>Clusters are reserved in runs: counted as used, durably, before one of them is handed out.
 *   <li>A new L2 table is durable before its L1 entry is written.
 *   <li>An L2 entry is written when the data is. That is made durable before, or a power cut could
 *       leave a cluster with neither what it held nor what was written; but not where it held
 *       zeroes, and its new place has nothing else.
 *   <li>What is not referred to any more is counted as free when that is durable.
 * </ol>
 *
 * <p>So a crash leaves clusters that are counted and not used, which {@code qemu-img check -r
 * leaks} frees, and never the opposite. A request completes when its entries have been written to
 * the file, so that the death of the server alone loses nothing.
 */
final class Allocator implements AutoCloseable {
    /** What becomes of clusters that a request gives up. */
    enum Giving {
        /** May read as anything that was there, or zeroes. */
        DISCARD,
        /** Read as zeroes. */
        ZERO,
        /** Read as zeroes, and keep their space. */
        ZERO_KEPT
    }

    private static final System.Logger LOG = System.getLogger(Allocator.class.getName());

    /** How soon it is looked again whether clusters may be used anew. */
    private static final long RECHECK_MILLIS = 10;

    private final MetadataFile file;
    private final Header header;
    private final Mapping mapping;
    private final MetadataClusters metadata;
    private final long baseBytes;
    private final Space space;
    private final LinkedBlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final Thread thread;

    /** Whether something could not be made durable: nothing is changed any more. */
    private boolean broken;

    /** Whether the image may refer to what a change was about, though it has failed. */
    private boolean mayRefer;

    /**
     * Starts the thread.
     *
     * @param baseBytes how far the backing file has data, 0 without one
     */
    Allocator(
            MetadataFile file,
            Header header,
            Mapping mapping,
            MetadataClusters metadata,
            long baseBytes,
            Space space) {
        this.file = file;
        this.header = header;
        this.mapping = mapping;
        this.metadata = metadata;
        this.baseBytes = baseBytes;
        this.space = space;
        this.thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("qcow2-" + file.path().getFileName())
                        .unstarted(this::run);
        thread.start();
    }

    /** Has {@link Space#take} find something; completes the request then. */
    void refill(Queue queue, long requestId) {
        tasks.add(new Task.Refill(queue, requestId));
    }

    /**
     * Has a cluster of the disk be where its data has been written, and completes the request then.
     *
     * @param host where that is
     * @param isTaken whether {@link Space#take} returned it, so that it is given back where nothing
     *     comes to refer to it
     * @param ordered whether the data has to be durable first
     */
    void link(
            Queue queue,
            long requestId,
            long cluster,
            long host,
            boolean isTaken,
            boolean ordered) {
        tasks.add(new Task.Link(queue, requestId, cluster, host, isTaken, ordered));
    }

    /** Gives up clusters of the disk, and completes the request then. */
    void give(Queue queue, long requestId, long from, long to, Giving how) {
        tasks.add(new Task.Give(queue, requestId, from, to, how));
    }

    private void run() {
        List<Task> batch = new ArrayList<>();
        boolean goesOn = true;
        while (goesOn) {
            try {
                Task first =
                        space.hasRetired()
                                ? tasks.poll(RECHECK_MILLIS, TimeUnit.MILLISECONDS)
                                : tasks.take();
                if (first != null) {
                    batch.add(first);
                    tasks.drainTo(batch);
                    goesOn = process(batch);
                    batch.clear();
                }
            } catch (InterruptedException e) {
                // Nobody means to end this thread so.
                LOG.log(Level.WARNING, "interrupted: " + Thread.currentThread().getName(), e);
            }
            if (tasks.isEmpty()) {
                settle();
            }
        }
    }

    private void settle() {
        if (!broken) {
            try {
                space.settle();
            } catch (Throwable e) {
                breakOff(e);
            }
        }
    }

    private void breakOff(Throwable e) {
        broken = true;
        LOG.log(Level.ERROR, file.path() + " is not changed any more, after a failure", e);
    }

    /** {@return whether more may come} */
    private boolean process(List<Task> batch) {
        List<Task.Link> links = new ArrayList<>();
        boolean goesOn = true;
        for (Task task : batch) {
            switch (task) {
                case Task.Link link -> links.add(link);
                case Task.Give give -> {
                    link(links);
                    complete(give, result(() -> give(give)));
                }
                case Task.Refill refill -> {
                    link(links);
                    complete(refill, result(space::refill));
                }
                case Task.Stop _ -> goesOn = false;
            }
        }
        link(links);
        return goesOn;
    }

    private int result(Runnable change) {
        if (broken) {
            return Errno.EIO.negated();
        }
        try {
            change.run();
            return 0;
        } catch (LinuxException e) {
            if (e.call().equals("fdatasync")) {
                // What has been written may be lost, and the next call would not tell.
                breakOff(e);
            } else {
                LOG.log(Level.WARNING, () -> "qcow2: " + e.getMessage());
            }
            return -e.number();
        } catch (Throwable e) {
            breakOff(e);
            return Errno.EIO.negated();
        }
    }

    private static void complete(Task.Asked task, int result) {
        try {
            task.queue().complete(task.requestId(), result);
        } catch (IllegalStateException e) {
            LOG.log(Level.DEBUG, "a queue has failed meanwhile", e);
        }
    }

    private void link(List<Task.Link> links) {
        if (links.isEmpty()) {
            return;
        }
        int synced = 0;
        if (links.stream().anyMatch(Task.Link::ordered)) {
            synced = result(file::sync);
        }
        Map<Integer, List<Task.Link>> byTable = new TreeMap<>();
        for (Task.Link link : links) {
            int index = mapping.indexOf(link.cluster() << header.clusterBits());
            byTable.computeIfAbsent(index, _ -> new ArrayList<>()).add(link);
        }
        for (Map.Entry<Integer, List<Task.Link>> table : byTable.entrySet()) {
            mayRefer = false;
            int result = synced < 0 ? synced : result(() -> link(table.getKey(), table.getValue()));
            for (Task.Link link : table.getValue()) {
                if (result < 0 && !mayRefer && link.isTaken()) {
                    space.giveBack(link.host());
                }
                complete(link, result);
            }
        }
        links.clear();
    }

    private void link(int index, List<Task.Link> links) {
        TreeMap<Integer, Long> changes = new TreeMap<>();
        for (Task.Link link : links) {
            changes.put(indexInTable(link.cluster()), Layout.offset(link.host()) | Layout.COPIED);
        }
        apply(index, mapping.pin(index), changes);
    }

    private int indexInTable(long cluster) {
        return (int) (cluster & (header.clusterBytes() / Long.BYTES - 1));
    }

    private void give(Task.Give give) {
        int perTable = header.clusterBytes() / Long.BYTES;
        for (long at = give.from(); at < give.to(); ) {
            int index = mapping.indexOf(at << header.clusterBits());
            long end = Math.min(give.to(), (index + 1L) * perTable);
            boolean hasBase = at << header.clusterBits() < baseBytes;
            if (!mapping.isEmpty(index) || (hasBase && give.how() != Giving.DISCARD)) {
                L2Table table = mapping.pin(index);
                TreeMap<Integer, Long> changes = new TreeMap<>();
                for (long cluster = at; cluster < end; cluster++) {
                    int each = indexInTable(cluster);
                    if (table != null && table.isBad(each)) {
                        throw new LinuxException(
                                "discard",
                                file.path().toString(),
                                Errno.EIO.negated(),
                                "the entry of cluster %d is damaged".formatted(cluster));
                    }
                    long old = table == null ? 0 : table.entry(each);
                    long next = given(cluster, old, give.how());
                    if (next != old) {
                        changes.put(each, next);
                    }
                }
                apply(index, table, changes);
            }
            at = end;
        }
    }

    /** {@return the entry of a cluster that has been given up} */
    private long given(long cluster, long old, Giving how) {
        boolean hasBase = cluster << header.clusterBits() < baseBytes;
        long zero = hasBase ? Layout.ZERO : 0;
        if (hasBase && header.version() == 2) {
            // There are no zeroes, and what is below is not to show again.
            return old;
        }
        if (how == Giving.DISCARD && Layout.isUnallocated(old)) {
            return old;
        }
        boolean isOwn = !Layout.isCompressed(old) && (old & Layout.COPIED) != 0;
        if (how == Giving.ZERO_KEPT && isOwn && header.version() > 2) {
            return old | Layout.ZERO;
        }
        return zero;
    }

    /** Writes entries of an L2 table, and has them count. */
    private void apply(int index, @Nullable L2Table table, SortedMap<Integer, Long> changes) {
        if (changes.isEmpty()) {
            return;
        }
        List<Long> given = new ArrayList<>();
        for (Map.Entry<Integer, Long> change : changes.entrySet()) {
            long old = table == null ? 0 : table.entry(change.getKey());
            if (Layout.isCompressed(old)
                    || Layout.offset(old) != Layout.offset(change.getValue())) {
                given.add(old);
            }
        }
        if (table == null || (mapping.l1(index) & Layout.COPIED) == 0) {
            move(index, table, changes);
        } else {
            write(index, table, changes);
            changes.forEach(table::set);
        }
        given.forEach(space::retire);
    }

    private void write(int index, L2Table table, SortedMap<Integer, Long> changes) {
        int perSector = Layout.SECTOR / Long.BYTES;
        int from = changes.firstKey() & -perSector;
        int to = (changes.lastKey() | perSector - 1) + 1;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = L2Table.changed(arena, table, changes, from, to);
            mayRefer = true;
            file.write(bytes, Layout.offset(mapping.l1(index)) + (long) from * Long.BYTES);
        }
    }

    /** Makes an L2 table, where there is none or one that a snapshot has, too. */
    private void move(int index, @Nullable L2Table old, SortedMap<Integer, Long> changes) {
        mayRefer = false;
        long host = space.takeNow();
        long oldL1 = mapping.l1(index);
        TreeMap<Integer, Long> all = new TreeMap<>(changes);
        for (int i = 0; old != null && i < old.count(); i++) {
            // What two tables refer to is written in place by neither.
            if (!Layout.isCompressed(old.entry(i))) {
                all.putIfAbsent(i, old.entry(i) & ~Layout.COPIED);
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            int count = header.clusterBytes() / Long.BYTES;
            MemorySegment bytes = L2Table.changed(arena, old, all, 0, count);
            file.write(bytes, Layout.offset(host));
            mayRefer = true;
            L2Table table = mapping.tableOf(bytes);
            metadata.add(Layout.offset(host) >>> header.clusterBits());
            file.sync();
            long entry = Layout.offset(host) | Layout.COPIED;
            MemorySegment l1Entry = arena.allocate(Long.BYTES);
            l1Entry.set(Layout.LONG, 0, entry);
            file.write(l1Entry, header.l1Offset() + (long) index * Long.BYTES);
            mapping.place(index, entry, table);
            if (Layout.offset(oldL1) != 0) {
                space.retire(Layout.offset(oldL1));
            }
        } finally {
            if (!mayRefer) {
                space.giveBack(host);
            }
        }
    }

    /** Ends the thread, when no queue asks for anything any more, and leaves the image in order. */
    @Override
    public void close() {
        tasks.add(new Task.Stop());
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (!broken) {
            try {
                space.close();
            } catch (RuntimeException e) {
                breakOff(e);
            }
        }
    }
}
