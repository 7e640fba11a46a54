package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.qcow2.Allocator.Giving;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.TargetQueue;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An image on one queue. */
final class Qcow2Queue implements TargetQueue {
    private static final System.Logger LOG = System.getLogger(Qcow2Queue.class.getName());

    /** How long a request waits for another that has its clusters, at a time. */
    static final long RETRY_NANOS = 50_000;

    private static final int ZEROES = 64 << 10;

    private final Queue queue;
    private final Image image;
    private final Mapping mapping;
    private final int clusterBits;
    private final TargetQueue data;
    private final @Nullable TargetQueue base;
    private final long baseBytes;
    private final GracePeriod.Pins pins;
    private final TableLoader loader;
    private final @Nullable Placing placing;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment zeroes = arena.allocate(ZEROES, 4096);

    /** By phase of the grace period. */
    private final Completion[] whenMoved = {
        (_, result) -> moved(0, result), (_, result) -> moved(1, result)
    };

    private final Completion whenGiven = this::given;
    private final TargetQueue filling = this::fillWithZeroes;
    private final TargetQueue inflating = this::inflate;
    private final TargetQueue giving = this::give;
    private final TargetQueue failing = part -> part.complete(Errno.EIO.negated());
    private final RingHandler again = this::again;
    private boolean complained;

    Qcow2Queue(Queue queue, Image image, TargetQueue data, @Nullable TargetQueue base) {
        this.queue = queue;
        this.image = image;
        this.mapping = image.mapping();
        this.clusterBits = image.clusterBits();
        this.data = data;
        this.base = base;
        this.baseBytes = image.baseBytes();
        this.loader = new TableLoader(queue, image, data, this);
        this.placing = image.allocator() == null ? null : new Placing(queue, image, data, this);
        this.pins = image.grace().pins();
    }

    @Override
    public void submit(Request request) {
        switch (request.operation()) {
            case READ -> map(request, false);
            case WRITE -> map(request, true);
            case FLUSH -> request.part(0, 0).submitTo(data);
            case DISCARD, WRITE_ZEROES -> giveUp(request);
            default -> request.complete(Errno.EOPNOTSUPP.negated());
        }
    }

    private void map(Request request, boolean writes) {
        int phase = pins.enter();
        try {
            long at = request.offset();
            while (at < request.end()) {
                int index = mapping.indexOf(at);
                long end = Math.min(mapping.endOf(index), request.end());
                L2Table table = mapping.table(index);
                if (table != null) {
                    map(request, phase, table, at, end, writes);
                } else if (!mapping.isEmpty(index)) {
                    part(request, at, end).submitTo(loader);
                } else if (writes) {
                    place(request, at, end);
                } else {
                    readBase(request, at, end);
                }
                at = end;
            }
        } finally {
            pins.leave(phase);
        }
    }

    /** Sends what lies in one L2 table on, in runs of clusters that lie side by side. */
    private void map(
            Request request, int phase, L2Table table, long from, long end, boolean writes) {
        long at = from;
        while (at < end) {
            int each = indexInTable(at);
            long entry = table.entry(each);
            long to = Math.min(endOfCluster(at), end);
            if (table.isBad(each)) {
                complain(at);
                part(request, at, to).submitTo(failing);
            } else if (writes ? !Layout.isInPlace(entry) : !Layout.isData(entry)) {
                if (writes) {
                    place(request, at, to);
                } else {
                    to = readOther(request, phase, table, at, to, end);
                }
            } else {
                long next = Layout.offset(entry) + (1L << clusterBits);
                while (to < end && continues(table, to, next, writes)) {
                    to = Math.min(endOfCluster(to), end);
                    next += 1L << clusterBits;
                }
                move(request, phase, Layout.offset(entry), at, to);
            }
            at = to;
        }
    }

    private boolean continues(L2Table table, long at, long host, boolean writes) {
        int each = indexInTable(at);
        long entry = table.entry(each);
        return (writes ? Layout.isInPlace(entry) : Layout.isData(entry))
                && Layout.offset(entry) == host
                && !table.isBad(each);
    }

    /** Moves data of clusters that lie side by side, to or from where they are. */
    private void move(Request request, int phase, long host, long at, long to) {
        long place = host + (at & clusterMask());
        long there = Math.clamp(image.file().length() - place, 0, to - at);
        if (there == to - at || request.operation() == Operation.WRITE) {
            there = to - at;
        } else {
            // The image ends in its last cluster, and what is behind reads as zeroes.
            there &= -Layout.SECTOR;
            part(request, at + there, to).submitTo(filling);
        }
        if (there > 0) {
            pins.hold(phase);
            part(request, at, at + there).at(place).then(whenMoved[phase]).submitTo(data);
        }
    }

    private int moved(int phase, int result) {
        pins.leave(phase);
        return result;
    }

    private long readOther(
            Request request, int phase, L2Table table, long at, long endOfCluster, long end) {
        long entry = table.entry(indexInTable(at));
        if (Layout.isCompressed(entry)) {
            pins.hold(phase);
            part(request, at, endOfCluster).with(entry).then(whenMoved[phase]).submitTo(inflating);
            return endOfCluster;
        }
        boolean isZero = Layout.isZero(entry);
        long to = endOfCluster;
        while (to < end) {
            long next = table.entry(indexInTable(to));
            if (table.isBad(indexInTable(to))
                    || isZero != Layout.isZero(next)
                    || !(isZero || Layout.isUnallocated(next))) {
                break;
            }
            to = Math.min(endOfCluster(to), end);
        }
        if (isZero) {
            part(request, at, to).submitTo(filling);
        } else {
            readBase(request, at, to);
        }
        return to;
    }

    /** Reads what the backing file has; behind its end there are zeroes. */
    private void readBase(Request request, long at, long end) {
        long here = Math.clamp(baseBytes, at, end);
        if (here > at) {
            part(request, at, here).submitTo(Objects.requireNonNull(base));
        }
        if (here < end) {
            part(request, here, end).submitTo(filling);
        }
    }

    private void place(Request request, long from, long end) {
        Placing places = Objects.requireNonNull(placing, "a write to an image that is only read");
        for (long at = from; at < end; at = endOfCluster(at)) {
            part(request, at, Math.min(endOfCluster(at), end)).submitTo(places);
        }
    }

    private void fillWithZeroes(Request part) {
        part.data().fill((byte) 0);
        part.complete(part.whole());
    }

    private void inflate(Request part) {
        long entry = (Long) Objects.requireNonNull(part.context());
        image.decompressor().read(queue, part, entry);
    }

    /**
     * Gives up the clusters that lie in a range as a whole, and of a write of zeroes writes zeroes
     * to what is left.
     */
    private void giveUp(Request request) {
        long bytes = 1L << clusterBits;
        long first = Math.ceilDiv(request.offset(), bytes);
        boolean isToEnd = request.end() == image.size();
        long end = isToEnd ? Math.ceilDiv(request.end(), bytes) : request.end() / bytes;
        boolean zeroes = request.operation() == Operation.WRITE_ZEROES;
        if (first >= end) {
            if (zeroes) {
                writeZeroes(request, request.offset(), request.end());
            } else {
                request.complete(0);
            }
            return;
        }
        if (!image.claims().claim(first, end)) {
            queue.delay(request, RETRY_NANOS, again);
            return;
        }
        long from = first << clusterBits;
        long to = Math.min(end << clusterBits, request.end());
        part(request, from, to).then(whenGiven).submitTo(giving);
        if (zeroes) {
            writeZeroes(request, request.offset(), from);
            writeZeroes(request, to, request.end());
        }
    }

    private void again(Request request, int result) {
        if (result < 0) {
            request.complete(result);
        } else {
            submit(request);
        }
    }

    private void give(Request part) {
        Giving how =
                part.operation() == Operation.DISCARD
                        ? Giving.DISCARD
                        : part.keepsAllocation() ? Giving.ZERO_KEPT : Giving.ZERO;
        Objects.requireNonNull(image.allocator())
                .give(
                        queue,
                        part.id(),
                        part.offset() >>> clusterBits,
                        Math.ceilDiv(part.end(), 1L << clusterBits),
                        how);
    }

    private int given(Request part, int result) {
        image.claims().release(part.offset() >>> clusterBits);
        return result;
    }

    private void writeZeroes(Request request, long from, long end) {
        for (long at = from; at < end; ) {
            long bytes = Math.min(ZEROES, Math.min(endOfCluster(at), end) - at);
            request.part(Operation.WRITE, at, zeroes.asSlice(0, bytes)).submitTo(this);
            at += bytes;
        }
    }

    /** Once for each queue: there may be thousands of requests. */
    private void complain(long at) {
        if (!complained) {
            complained = true;
            LOG.log(
                    Level.WARNING,
                    () ->
                            ("%s: the table entry for byte %d of the disk is damaged; requests for"
                                            + " such clusters fail, later ones are not logged")
                                    .formatted(image.file().path(), at));
        }
    }

    private static Request part(Request request, long from, long to) {
        return request.part(from - request.offset(), to - from);
    }

    private int indexInTable(long at) {
        return (int) (at >>> clusterBits) & ((1 << (clusterBits - 3)) - 1);
    }

    private long clusterMask() {
        return (1L << clusterBits) - 1;
    }

    private long endOfCluster(long at) {
        return (at | clusterMask()) + 1;
    }

    @Override
    public void close() {
        try (pins;
                loader;
                data;
                @Nullable TargetQueue _ = base;
                @Nullable Placing _ = placing) {
            if (!queue.hasIoLeft()) {
                arena.close();
            }
        }
    }
}
