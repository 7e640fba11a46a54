package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A target whose changes go to another one: what has not been written since is read from the base,
 * which stays as it is (copy-on-write).
 *
 * <p>The unit is a cluster of the {@link OverlayMap}. The first write to a part of one copies it to
 * the upper target as a whole, then writes the part there; a write of a whole cluster copies
 * nothing. Of several queues one fills a cluster, and the others wait.
 *
 * <p>What is written is durable when the device has been flushed: the upper target first, then the
 * map. After a crash of the machine in between a cluster is read from the base, as if it had not
 * been written. The death of the server alone loses nothing that has been written.
 */
public final class Overlay extends Layer {
    private static final System.Logger LOG = System.getLogger(Overlay.class.getName());

    /** How long a request waits for another that fills its cluster, or flushes, at a time. */
    private static final long RETRY_NANOS = 50_000;

    /** Bytes that a commit copies at a time, unless a cluster is larger. */
    private static final int COMMIT_BYTES = 256 << 10;

    private final OverlayMap map;
    private final WriteBarrier barrier = new WriteBarrier();

    /** One flush at a time: a later one must not be overtaken by the pages of an earlier one. */
    private final AtomicBoolean flushing = new AtomicBoolean();

    /** The queue that commits; null before it is opened. */
    private volatile @Nullable OverlayQueue committer;

    /**
     * Puts a target over another.
     *
     * @param base belongs to the overlay from now on, also when this throws; not written to, but
     *     for {@link #commit}
     * @param upper belongs to the overlay from now on, also when this throws
     * @param map belongs to the overlay from now on, also when this throws
     * @throws IllegalArgumentException when the upper target is smaller, read-only or of other
     *     blocks, or the map is that of another size
     */
    public Overlay(Target base, Target upper, OverlayMap map) {
        super(List.of(base, upper), legs -> geometry(legs, map));
        this.map = map;
    }

    private static Geometry geometry(List<Geometry> legs, OverlayMap map) {
        try {
            return geometry(legs.get(0), legs.get(1), map);
        } catch (Throwable e) {
            try {
                map.close();
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e;
        }
    }

    private static Geometry geometry(Geometry base, Geometry upper, OverlayMap map) {
        if (upper.readOnly()) {
            throw new IllegalArgumentException("overlay: the upper target is read-only");
        }
        if (upper.size() < base.size()) {
            throw new IllegalArgumentException(
                    "overlay: the upper target has %d bytes, and the base has %d"
                            .formatted(upper.size(), base.size()));
        }
        if (map.size() != base.size()) {
            throw new IllegalArgumentException(
                    "overlay: the map is that of %d bytes, and the base has %d"
                            .formatted(map.size(), base.size()));
        }
        Legs.requireSame("overlay", List.of(base, upper), "blocks of ", Geometry::logicalBlockSize);
        int maxIo =
                base.maxIo() == 0 || upper.maxIo() == 0
                        ? Math.max(base.maxIo(), upper.maxIo())
                        : Math.min(base.maxIo(), upper.maxIo());
        return Geometry.ofSize(base.size())
                .withBlockSize(base.logicalBlockSize())
                .withPhysicalBlockSize(
                        Math.max(base.physicalBlockSize(), upper.physicalBlockSize()))
                .withDmaAlignment(Math.max(base.dmaAlignment(), upper.dmaAlignment()))
                .withMaxIo(maxIo)
                .withVolatileCache();
    }

    /** {@return which clusters are in the upper target} */
    public OverlayMap map() {
        return map;
    }

    /**
     * Writes all that is in the upper target to the base, while the device is served: on the thread
     * of queue 0, beside requests. From any thread.
     *
     * @return completes when the base has it durably; with an exception where that failed, which
     *     leaves a device that reads as before
     * @throws IllegalStateException when the base is read-only, or no device has the overlay
     */
    public CompletableFuture<Void> commit() {
        if (legs().getFirst().geometry().readOnly()) {
            throw new IllegalStateException("the base of the overlay is read-only");
        }
        OverlayQueue queue = committer;
        if (queue == null) {
            throw new IllegalStateException("no device has the overlay");
        }
        CompletableFuture<Void> done = new CompletableFuture<>();
        queue.queue.execute(() -> queue.commit(done));
        return done;
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        OverlayQueue opened = new OverlayQueue(queue, below.get(0), below.get(1));
        if (queue.id() == 0) {
            committer = opened;
        }
        return opened;
    }

    @Override
    public void close() {
        try {
            super.close();
        } finally {
            try {
                map.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private long clusterOf(long at) {
        return at / map.cluster();
    }

    private long startOf(long cluster) {
        return cluster * map.cluster();
    }

    private long endOf(long cluster) {
        return Math.min(startOf(cluster + 1), map.size());
    }

    /** The filling of a cluster for a write of a part of it. */
    private static final class Fill {
        final MemorySegment memory;
        long cluster;
        long begin;
        long length;

        Fill(MemorySegment memory) {
            this.memory = memory;
        }
    }

    /** The overlay on one queue. */
    private final class OverlayQueue implements TargetQueue {
        private final Queue queue;
        private final TargetQueue base;
        private final TargetQueue upper;
        private final Arena arena = Arena.ofShared();
        private final ArrayDeque<Fill> fills = new ArrayDeque<>();

        private final Completion whenChanged = this::changed;
        private final Completion whenFilled = this::filled;
        private final Completion whenBaseRead = this::baseRead;
        private final Completion whenCopied = this::copied;
        private final Completion whenFlushed = this::upperFlushed;
        private final TargetQueue again = this::submitLater;
        private final TargetQueue mapWriter = this::writeMap;
        private final RingHandler retry = this::retry;

        /** The pages of the flush under way. */
        private OverlayMap.@Nullable Pages pages;

        private @Nullable Commit commit;

        OverlayQueue(Queue queue, TargetQueue base, TargetQueue upper) {
            this.queue = queue;
            this.base = base;
            this.upper = upper;
        }

        @Override
        public void submit(Request request) {
            switch (request.operation()) {
                case READ -> read(request);
                case WRITE -> write(request);
                case FLUSH -> flush(request);
                case DISCARD, WRITE_ZEROES -> request.complete(Errno.EOPNOTSUPP.negated());
            }
        }

        private void submitLater(Request request) {
            queue.delay(request, RETRY_NANOS, retry);
        }

        private void retry(Request request, int result) {
            if (result < 0) {
                request.complete(result);
            } else {
                submit(request);
            }
        }

        private void read(Request request) {
            long at = request.offset();
            while (at < request.end()) {
                boolean isUpper = map.isUpper(clusterOf(at));
                long to = at;
                while (to < request.end() && map.isUpper(clusterOf(to)) == isUpper) {
                    to = endOf(clusterOf(to));
                }
                to = Math.min(to, request.end());
                request.part(at - request.offset(), to - at).submitTo(isUpper ? upper : base);
                at = to;
            }
        }

        private void write(Request request) {
            if (!barrier.enter(request.offset(), request.end())) {
                submitLater(request);
                return;
            }
            try {
                long at = request.offset();
                while (at < request.end()) {
                    long to = Math.min(endOf(clusterOf(at)), request.end());
                    if (map.isUpper(clusterOf(at))) {
                        while (to < request.end() && map.isUpper(clusterOf(to))) {
                            to = Math.min(endOf(clusterOf(to)), request.end());
                        }
                        change(request, at - request.offset(), to - at);
                    } else {
                        writeNew(request, clusterOf(at), at - request.offset(), to - at);
                    }
                    at = to;
                }
            } finally {
                barrier.leave(request.offset(), request.end());
            }
        }

        /** Writes to clusters that are in the upper target. */
        private void change(Request request, long begin, long length) {
            long at = request.offset() + begin;
            barrier.hold(at, at + length);
            request.part(begin, length).then(whenChanged).submitTo(upper);
        }

        private int changed(Request part, int result) {
            barrier.leave(part.offset(), part.end());
            return result;
        }

        private void writeNew(Request request, long cluster, long begin, long length) {
            if (!map.beginFilling(cluster)) {
                // Another write fills it, or has just done so.
                request.part(begin, length).submitTo(again);
                return;
            }
            barrier.hold(startOf(cluster), endOf(cluster));
            if (length == endOf(cluster) - startOf(cluster)) {
                request.part(begin, length).then(whenFilled).submitTo(upper);
            } else {
                copyUp(request, cluster, begin, length);
            }
        }

        private int filled(Request part, int result) {
            map.endFilling(clusterOf(part.offset()), result >= 0);
            barrier.leave(part.offset(), part.end());
            return result;
        }

        private void copyUp(Request request, long cluster, long begin, long length) {
            Fill fill = fills.pollLast();
            if (fill == null) {
                fill = new Fill(arena.allocate(map.cluster(), OverlayMap.PAGE));
            }
            fill.cluster = cluster;
            fill.begin = begin;
            fill.length = length;
            request.part(Operation.READ, startOf(cluster), memory(fill))
                    .with(fill)
                    .then(whenBaseRead)
                    .submitTo(base);
        }

        private MemorySegment memory(Fill fill) {
            long length = endOf(fill.cluster) - startOf(fill.cluster);
            return length == fill.memory.byteSize() ? fill.memory : fill.memory.asSlice(0, length);
        }

        private int baseRead(Request part, int result) {
            Fill fill = (Fill) Objects.requireNonNull(part.context());
            if (result < 0) {
                return endCopy(fill, result);
            }
            part.parent()
                    .part(Operation.WRITE, startOf(fill.cluster), memory(fill))
                    .with(fill)
                    .then(whenCopied)
                    .submitTo(upper);
            return 0;
        }

        private int copied(Request part, int result) {
            Fill fill = (Fill) Objects.requireNonNull(part.context());
            Request parent = part.parent();
            long begin = fill.begin;
            long length = fill.length;
            if (result >= 0) {
                // Counted before the cluster is let go: no commit comes between.
                barrier.hold(parent.offset() + begin, parent.offset() + begin + length);
            }
            int ended = endCopy(fill, result);
            if (result >= 0) {
                parent.part(begin, length).then(whenChanged).submitTo(upper);
            }
            return ended;
        }

        private int endCopy(Fill fill, int result) {
            map.endFilling(fill.cluster, result >= 0);
            barrier.leave(startOf(fill.cluster), endOf(fill.cluster));
            fills.addLast(fill);
            return Math.min(result, 0);
        }

        private void flush(Request request) {
            if (!flushing.compareAndSet(false, true)) {
                submitLater(request);
                return;
            }
            // Taken first: what the map tells of must be in the upper target, durably, before.
            pages = map.take();
            request.part(0, 0).then(whenFlushed).submitTo(upper);
        }

        private int upperFlushed(Request part, int result) {
            OverlayMap.Pages taken = pages;
            if (taken == null) {
                flushing.set(false);
            } else if (result < 0) {
                map.putBack(taken);
                flushing.set(false);
            } else {
                part.parent().part(0, 0).submitTo(mapWriter);
            }
            return result;
        }

        /** On a thread that may wait for the file. */
        private void writeMap(Request request) {
            OverlayMap.Pages taken = Objects.requireNonNull(pages);
            long id = request.id();
            Thread _ =
                    Thread.ofVirtual()
                            .name(queue + "-map")
                            .start(() -> queue.complete(id, write(taken)));
        }

        private int write(OverlayMap.Pages taken) {
            try {
                map.write(taken);
                return 0;
            } catch (Throwable e) {
                map.putBack(taken);
                LOG.log(Level.ERROR, "the map of the overlay cannot be written", e);
                return Errno.EIO.negated();
            } finally {
                flushing.set(false);
            }
        }

        void commit(CompletableFuture<Void> done) {
            if (commit != null) {
                done.completeExceptionally(
                        new IllegalStateException("the overlay is being committed"));
            } else {
                commit = new Commit(this, done);
                commit.next();
            }
        }

        /** What has been written and not flushed is in the map of the next server, too. */
        @Override
        public void finish() {
            if (map.isDirty()) {
                queue.request(Operation.FLUSH, 0, MemorySegment.NULL)
                        .then((_, result) -> {
                            if (result < 0) {
                                LOG.log(
                                        Level.ERROR,
                                        "the overlay could not be flushed at its end: errno {0}",
                                        -result);
                            }
                            return result;
                        })
                        .submitTo(this);
            }
        }

        @Override
        public void close() {
            if (commit != null) {
                commit.end(Errno.ESHUTDOWN.negated());
            }
            if (!queue.hasIoLeft()) {
                arena.close();
            }
        }
    }

    /** Writes what is in the upper target to the base, run by run of clusters. */
    private final class Commit {
        private final OverlayQueue of;
        private final CompletableFuture<Void> done;
        private final Arena arena = Arena.ofShared();
        private final Copying copying;
        private final int most;

        private long cluster;
        private long last;

        Commit(OverlayQueue of, CompletableFuture<Void> done) {
            this.of = of;
            this.done = done;
            int largest = geometry().maxIo() == 0 ? COMMIT_BYTES : geometry().maxIo();
            this.most = Math.max(map.cluster(), Math.min(COMMIT_BYTES, largest));
            this.copying = new Copying(of.queue, barrier, arena.allocate(most, OverlayMap.PAGE));
        }

        void next() {
            while (cluster < map.clusters() && !map.isUpper(cluster)) {
                cluster++;
            }
            if (of.queue.isLeaving()) {
                end(Errno.ESHUTDOWN.negated());
            } else if (cluster == map.clusters()) {
                writeMap();
            } else {
                last = cluster;
                while (last + 1 < map.clusters()
                        && map.isUpper(last + 1)
                        && endOf(last + 1) - startOf(cluster) <= most) {
                    last++;
                }
                int bytes = (int) (endOf(last) - startOf(cluster));
                copying.copy(of.upper, of.base, startOf(cluster), bytes, this::copied);
            }
        }

        private void copied(int result) {
            if (result < 0) {
                end(result);
            } else {
                copying.flush(of.base, this::flushed);
            }
        }

        private void flushed(int result) {
            if (result < 0) {
                end(result);
                return;
            }
            while (cluster <= last) {
                map.toBase(cluster++);
            }
            barrier.unblock();
            next();
        }

        private void writeMap() {
            if (!flushing.compareAndSet(false, true)) {
                of.queue.execute(this::writeMap);
                return;
            }
            of.pages = map.take();
            if (of.pages == null) {
                flushing.set(false);
                end(0);
            } else {
                of.queue
                        .request(Operation.FLUSH, 0, MemorySegment.NULL)
                        .then((_, result) -> {
                            of.queue.execute(() -> end(Math.min(result, 0)));
                            return result;
                        })
                        .submitTo(of.mapWriter);
            }
        }

        void end(int result) {
            barrier.unblock();
            of.commit = null;
            if (!of.queue.hasIoLeft()) {
                arena.close();
            }
            if (result < 0) {
                done.completeExceptionally(new LinuxException("commit", "overlay", result));
            } else {
                done.complete(null);
            }
        }
    }
}
