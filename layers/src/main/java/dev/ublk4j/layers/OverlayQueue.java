package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.TargetQueue;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** The overlay on one queue. */
final class OverlayQueue implements TargetQueue {
    private static final System.Logger LOG = System.getLogger(OverlayQueue.class.getName());

    /** How long a request waits for another that fills its cluster, or flushes, at a time. */
    private static final long RETRY_NANOS = 50_000;

    private final OverlayMap map;
    private final WriteBarrier barrier;
    private final TableWriter writer;

    /** The filling of a cluster for a write of a part of it. */
    private static final class Fill {
        final MemorySegment memory;
        int phase;
        long cluster;
        long begin;
        long length;

        Fill(MemorySegment memory) {
            this.memory = memory;
        }
    }

    final Queue queue;
    final TargetQueue base;
    final TargetQueue upper;
    private final Arena arena = Arena.ofShared();
    private final ArrayDeque<Fill> fills = new ArrayDeque<>();

    /** By phase of the barrier. */
    private final Completion[] whenChanged = {
        (part, result) -> changed(0, part, result), (part, result) -> changed(1, part, result)
    };

    private final Completion[] whenFilled = {
        (part, result) -> filled(0, part, result), (part, result) -> filled(1, part, result)
    };

    private final Completion whenBaseRead = this::baseRead;
    private final Completion whenCopied = this::copied;
    private final Completion whenFlushed = this::upperFlushed;
    private final Completion whenMapWritten = this::mapWritten;
    private final TargetQueue again = this::submitLater;
    private final TargetQueue mapWriter = this::writeMap;
    private final RingHandler retry = this::retry;

    /** The pages of the flush under way; of the queue that has begun with {@link #writer}. */
    private TableWriter.@Nullable Pages pages;

    /** The commit that has begun, on this thread. */
    private @Nullable Commit commit;

    /** What is told of a commit that is to begin, or has begun; guarded by the monitor. */
    private @Nullable CompletableFuture<Void> committing;

    private boolean closed;

    /**
     * Opens one.
     *
     * @param barrier of all queues of the overlay
     * @param writer of all queues of the overlay
     */
    OverlayQueue(
            Queue queue,
            TargetQueue base,
            TargetQueue upper,
            OverlayMap map,
            WriteBarrier barrier,
            TableWriter writer) {
        this.queue = queue;
        this.base = base;
        this.upper = upper;
        this.map = map;
        this.barrier = barrier;
        this.writer = writer;
    }

    @Override
    public void submit(Request request) {
        switch (request.operation()) {
            case READ -> read(request);
            case WRITE -> write(request);
            case FLUSH -> flush(request);
            default -> request.complete(Errno.EOPNOTSUPP.negated());
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
            boolean isUpper = map.isUpper(map.clusterOf(at));
            long to = at;
            while (to < request.end() && map.isUpper(map.clusterOf(to)) == isUpper) {
                to = map.endOf(map.clusterOf(to));
            }
            to = Math.min(to, request.end());
            request.part(at - request.offset(), to - at).submitTo(isUpper ? upper : base);
            at = to;
        }
    }

    private void write(Request request) {
        int phase = barrier.enter(request.offset(), request.end());
        if (phase == WriteBarrier.BLOCKED) {
            submitLater(request);
            return;
        }
        try {
            long at = request.offset();
            while (at < request.end()) {
                long to = Math.min(map.endOf(map.clusterOf(at)), request.end());
                if (map.isUpper(map.clusterOf(at))) {
                    while (to < request.end() && map.isUpper(map.clusterOf(to))) {
                        to = Math.min(map.endOf(map.clusterOf(to)), request.end());
                    }
                    change(request, phase, at - request.offset(), to - at);
                } else {
                    writeNew(request, phase, map.clusterOf(at), at - request.offset(), to - at);
                }
                at = to;
            }
        } finally {
            barrier.leave(phase, request.offset(), request.end());
        }
    }

    /** Writes to clusters that are in the upper target. */
    private void change(Request request, int phase, long begin, long length) {
        long at = request.offset() + begin;
        barrier.hold(phase, at, at + length);
        request.part(begin, length).then(whenChanged[phase]).submitTo(upper);
    }

    private int changed(int phase, Request part, int result) {
        barrier.leave(phase, part.offset(), part.end());
        return result;
    }

    private void writeNew(Request request, int phase, long cluster, long begin, long length) {
        if (!map.beginFilling(cluster)) {
            // Another write fills it, or has just done so.
            if (length == request.length()) {
                // As itself: as a part it would lie one deeper each time that it finds this so.
                submitLater(request);
            } else {
                request.part(begin, length).submitTo(again);
            }
            return;
        }
        barrier.hold(phase, map.startOf(cluster), map.endOf(cluster));
        if (length == map.endOf(cluster) - map.startOf(cluster)) {
            request.part(begin, length).then(whenFilled[phase]).submitTo(upper);
        } else {
            copyUp(request, phase, cluster, begin, length);
        }
    }

    private int filled(int phase, Request part, int result) {
        map.endFilling(map.clusterOf(part.offset()), result >= 0);
        barrier.leave(phase, part.offset(), part.end());
        return result;
    }

    private void copyUp(Request request, int phase, long cluster, long begin, long length) {
        Fill fill = fills.pollLast();
        if (fill == null) {
            fill = new Fill(arena.allocate(map.cluster(), OverlayMap.PAGE));
        }
        fill.phase = phase;
        fill.cluster = cluster;
        fill.begin = begin;
        fill.length = length;
        request.part(Operation.READ, map.startOf(cluster), memory(fill))
                .with(fill)
                .then(whenBaseRead)
                .submitTo(base);
    }

    private MemorySegment memory(Fill fill) {
        long length = map.endOf(fill.cluster) - map.startOf(fill.cluster);
        return length == fill.memory.byteSize() ? fill.memory : fill.memory.asSlice(0, length);
    }

    private int baseRead(Request part, int result) {
        Fill fill = (Fill) Objects.requireNonNull(part.context());
        if (result < 0) {
            return endCopy(fill, result);
        }
        part.parent()
                .part(Operation.WRITE, map.startOf(fill.cluster), memory(fill))
                .with(fill)
                .then(whenCopied)
                .submitTo(upper);
        return 0;
    }

    private int copied(Request part, int result) {
        Fill fill = (Fill) Objects.requireNonNull(part.context());
        Request parent = part.parent();
        if (result >= 0) {
            // Counted before the cluster is let go: no commit comes between.
            change(parent, fill.phase, fill.begin, fill.length);
        }
        return endCopy(fill, result);
    }

    private int endCopy(Fill fill, int result) {
        map.endFilling(fill.cluster, result >= 0);
        barrier.leave(fill.phase, map.startOf(fill.cluster), map.endOf(fill.cluster));
        fills.addLast(fill);
        return Math.min(result, 0);
    }

    private void flush(Request request) {
        if (!writer.begin()) {
            submitLater(request);
            return;
        }
        Request part = null;
        try {
            // Taken first: what the map tells of must be in the upper target, durably, before.
            pages = map.take();
            part = request.part(0, 0).then(whenFlushed);
        } finally {
            if (part == null) {
                giveUp();
            }
        }
        part.submitTo(upper);
    }

    private int upperFlushed(Request part, int result) {
        Request next = null;
        try {
            if (result >= 0 && pages != null) {
                next = part.parent().part(0, 0).then(whenMapWritten);
            }
        } finally {
            if (next == null) {
                giveUp();
            }
        }
        if (next != null) {
            next.submitTo(mapWriter);
        }
        return result;
    }

    private void writeMap(Request request) {
        writer.write(queue, request, Objects.requireNonNull(pages));
    }

    private int mapWritten(Request part, int result) {
        if (result >= 0) {
            pages = null;
        }
        giveUp();
        return result;
    }

    /** Lets the next one flush; what has not been written is its. */
    private void giveUp() {
        TableWriter.Pages left = pages;
        pages = null;
        writer.giveUp(left);
    }

    /**
     * Begins a commit; from any thread.
     *
     * @param most bytes that are copied at a time
     * @param done is completed at the end
     * @throws IllegalStateException when the queue has ended, or a commit is under way
     */
    synchronized void commit(int most, CompletableFuture<Void> done) {
        if (closed || committing != null) {
            throw new IllegalStateException(
                    closed ? "no device has the overlay" : "the overlay is being committed");
        }
        committing = done;
        queue.execute(() -> {
            commit = new Commit(this, map, barrier, most);
            commit.next();
        });
    }

    /** Ends the commit, with 0 or a negative errno. */
    void endCommit(int result) {
        CompletableFuture<Void> done;
        synchronized (this) {
            done = committing;
            committing = null;
        }
        Commit ended = commit;
        commit = null;
        if (ended != null) {
            ended.close();
        }
        if (done != null && result < 0) {
            done.completeExceptionally(new LinuxException("commit", "overlay", result));
        } else if (done != null) {
            done.complete(null);
        }
    }

    /** Makes what the map tells of durable: the data, then the map. */
    void flush(IntConsumer whenDone) {
        queue.request(Operation.FLUSH, 0, MemorySegment.NULL)
                .then((_, result) -> {
                    queue.execute(() -> whenDone.accept(Math.min(result, 0)));
                    return result;
                })
                .submitTo(this);
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
        synchronized (this) {
            closed = true;
        }
        endCommit(Errno.ESHUTDOWN.negated());
        if (!queue.hasIoLeft()) {
            arena.close();
        }
    }
}
