package dev.ublk4j.qcow2;

import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes to clusters that have no place in the image, or none that may be written: takes a cluster,
 * writes what it held before and what is new, and has the allocator link it. Of one queue.
 *
 * <p>A cluster of the disk is claimed meanwhile; another write of it waits, and finds it in place.
 */
final class Placing implements TargetQueue {
    /** Clusters that are completed in memory at a time. */
    private static final int FILLS = 8;

    private final Queue queue;
    private final Image image;
    private final Allocator allocator;
    private final Space space;
    private final int clusterBits;
    private final TargetQueue data;
    private final TargetQueue reader;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> idle = new ArrayList<>();
    private int fills;
    private final Completion whenRefilled = this::refilled;
    private final Completion whenRead = this::read;
    private final Completion whenWritten = this::written;
    private final Completion whenLinked = this::linked;
    private final TargetQueue refilling = this::refill;
    private final TargetQueue linking = this::link;
    private final RingHandler again = this::again;

    /** A cluster on its way to its place. */
    private static final class Move {
        final long cluster;

        /** As {@link Space} handed it out, or where the cluster keeps its space. */
        final long host;

        final boolean isOwnSpace;

        /** Completed in memory; null where the request has all that is to be written. */
        @Nullable MemorySegment fill;

        boolean isOrdered;

        Move(long cluster, long host, boolean isOwnSpace) {
            this.cluster = cluster;
            this.host = host;
            this.isOwnSpace = isOwnSpace;
        }
    }

    /**
     * Opens one.
     *
     * @param reader reads what a cluster held before, and takes what can be written in place
     */
    Placing(Queue queue, Image image, TargetQueue data, TargetQueue reader) {
        this.queue = queue;
        this.image = image;
        this.allocator = Objects.requireNonNull(image.allocator());
        this.space = Objects.requireNonNull(image.space());
        this.clusterBits = image.clusterBits();
        this.data = data;
        this.reader = reader;
    }

    /** Takes a write within one cluster. */
    @Override
    public void submit(Request request) {
        long cluster = request.offset() >>> clusterBits;
        if (!image.claims().claim(cluster, cluster + 1)) {
            queue.delay(request, Qcow2Queue.RETRY_NANOS, again);
            return;
        }
        boolean goesOn = false;
        try {
            goesOn = begin(request, cluster);
        } finally {
            if (!goesOn) {
                image.claims().release(cluster);
            }
        }
    }

    private void again(Request request, int result) {
        if (result < 0) {
            request.complete(result);
        } else {
            submit(request);
        }
    }

    /** {@return whether the cluster stays claimed, for what has begun} */
    private boolean begin(Request request, long cluster) {
        Mapping mapping = image.mapping();
        int index = mapping.indexOf(request.offset());
        L2Table table = mapping.table(index);
        int each = (int) cluster & ((1 << (clusterBits - 3)) - 1);
        if ((table == null && !mapping.isEmpty(index))
                || (table != null && (table.isBad(each) || Layout.isInPlace(table.entry(each))))) {
            // Another has placed it meanwhile.
            request.part(0, request.length()).submitTo(reader);
            return false;
        }
        long entry = table == null ? 0 : table.entry(each);
        boolean keepsSpace =
                Layout.isZero(entry) && Layout.offset(entry) != 0 && (entry & Layout.COPIED) != 0;
        boolean isWhole = request.length() == 1L << clusterBits;
        boolean readsZero =
                Layout.isZero(entry)
                        || (Layout.isUnallocated(entry)
                                && cluster << clusterBits >= image.baseBytes());
        if (!isWhole && fills == FILLS && idle.isEmpty()) {
            queue.delay(request, Qcow2Queue.RETRY_NANOS, again);
            return false;
        }
        long host = keepsSpace ? Layout.offset(entry) : space.take();
        if (host < 0) {
            request.part(0, 0).then(whenRefilled).submitTo(refilling);
            return false;
        }
        Move move = new Move(cluster, host, keepsSpace);
        // Until the data is durable the cluster reads as before: what is linked sooner may read as
        // neither after a crash.
        move.isOrdered = !readsZero || !Space.isFresh(host);
        if (isWhole || !move.isOrdered) {
            write(request, move);
        } else {
            fill(request, move);
        }
        return true;
    }

    private long bytesOf(long cluster) {
        return Math.min(1L << clusterBits, image.size() - (cluster << clusterBits));
    }

    private void refill(Request part) {
        allocator.refill(queue, part.id());
    }

    private int refilled(Request part, int result) {
        if (result >= 0) {
            part.parent().part(0, part.parent().length()).submitTo(this);
        }
        return result;
    }

    private void write(Request request, Move move) {
        long begin = request.offset() & ((1L << clusterBits) - 1);
        request.part(0, request.length())
                .at(Layout.offset(move.host) + begin)
                .with(move)
                .then(whenWritten)
                .submitTo(data);
    }

    private void fill(Request request, Move move) {
        MemorySegment memory;
        if (idle.isEmpty()) {
            fills++;
            memory = arena.allocate(1L << clusterBits, 4096);
        } else {
            memory = idle.removeLast();
        }
        move.fill = memory;
        long bytes = bytesOf(move.cluster);
        memory.asSlice(bytes).fill((byte) 0);
        request.part(Operation.READ, move.cluster << clusterBits, memory.asSlice(0, bytes))
                .with(move)
                .then(whenRead)
                .submitTo(reader);
    }

    private int read(Request part, int result) {
        Move move = (Move) Objects.requireNonNull(part.context());
        if (result < 0) {
            return fail(move, result);
        }
        Request request = part.parent();
        MemorySegment memory = Objects.requireNonNull(move.fill);
        int _ = request.copyTo(memory, request.offset() & ((1L << clusterBits) - 1));
        request.part(Operation.WRITE, Layout.offset(move.host), memory)
                .with(move)
                .then(whenWritten)
                .submitTo(data);
        return result;
    }

    private int written(Request part, int result) {
        Move move = (Move) Objects.requireNonNull(part.context());
        if (result < 0) {
            return fail(move, result);
        }
        part.parent().part(0, 0).with(move).then(whenLinked).submitTo(linking);
        return result;
    }

    private int fail(Move move, int result) {
        if (!move.isOwnSpace) {
            space.giveBack(move.host);
        }
        end(move);
        return result;
    }

    private void link(Request part) {
        Move move = (Move) Objects.requireNonNull(part.context());
        allocator.link(queue, part.id(), move.cluster, move.host, !move.isOwnSpace, move.isOrdered);
    }

    /** Where that failed the allocator keeps the cluster, or has given it back. */
    private int linked(Request part, int result) {
        end((Move) Objects.requireNonNull(part.context()));
        return result;
    }

    private void end(Move move) {
        image.claims().release(move.cluster);
        MemorySegment memory = move.fill;
        if (memory != null) {
            idle.add(memory);
        }
    }

    @Override
    public void close() {
        if (!queue.hasIoLeft()) {
            arena.close();
        }
    }
}
