package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.TargetQueue;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A queue of a {@link ZonedTarget}. */
final class ZonedQueue implements TargetQueue {
    /** How long a request waits for another that writes the table, at a time. */
    private static final long RETRY_NANOS = 50_000;

    /** A reset of a large device sends its discards, of which there may be thousands, in turn. */
    private static final int MOST_DISCARDS = 8;

    private final Queue queue;
    private final TargetQueue below;
    private final ZoneTable table;
    private final Geometry leg;
    private final TableWriter writer;

    private final Completion whenWritten = this::written;
    private final Completion whenFlushed = this::flushed;
    private final Completion whenTableWritten = this::tableWritten;
    private final Completion whenDiscarded = this::discarded;
    private final TargetQueue tableWriter = this::writeTable;
    private final RingHandler retry = this::retry;

    /** The pages that are being written; of the queue that has begun with {@link #writer}. */
    private TableWriter.@Nullable Pages pages;

    /**
     * Opens one.
     *
     * @param leg the geometry of the target below
     * @param writer of all queues of the target
     */
    ZonedQueue(Queue queue, TargetQueue below, ZoneTable table, Geometry leg, TableWriter writer) {
        this.queue = queue;
        this.below = below;
        this.table = table;
        this.leg = leg;
        this.writer = writer;
    }

    @Override
    public void submit(Request request) {
        switch (request.operation()) {
            case READ -> below.submit(request);
            case WRITE -> write(request);
            case ZONE_APPEND -> append(request);
            case FLUSH -> flush(request);
            case ZONE_OPEN -> request.complete(table.open(zoneOf(request)));
            case ZONE_CLOSE -> request.complete(table.close(zoneOf(request)));
            case ZONE_FINISH -> request.complete(table.finish(zoneOf(request)));
            case ZONE_RESET, ZONE_RESET_ALL -> reset(request);
            case DISCARD, WRITE_ZEROES -> request.complete(Errno.EOPNOTSUPP.negated());
        }
    }

    private int zoneOf(Request request) {
        return table.zoneOf(request.offset());
    }

    private void write(Request request) {
        int zone = zoneOf(request);
        if (table.isConventional(zone)) {
            below.submit(request);
            return;
        }
        long at = table.beginWrite(zone, request.offset(), request.length());
        if (at < 0) {
            request.complete((int) at);
        } else {
            request.part(0, request.length()).then(whenWritten).submitTo(below);
        }
    }

    private void append(Request request) {
        int zone = zoneOf(request);
        long at =
                table.isConventional(zone)
                        ? Errno.EIO.negated()
                        : table.beginWrite(zone, ZoneTable.ANYWHERE, request.length());
        if (at < 0) {
            request.complete((int) at);
        } else {
            request.appendedAt(at);
            request.part(0, request.length()).asWrite().at(at).then(whenWritten).submitTo(below);
        }
    }

    private int written(Request part, int result) {
        table.endWrite(table.zoneOf(part.offset()), part.offset(), part.length(), result >= 0);
        return result;
    }

    private void retry(Request request, int result) {
        if (result < 0) {
            request.complete(result);
        } else {
            submit(request);
        }
    }

    /** {@return whether this queue may write the table now; otherwise the request comes again} */
    private boolean beginsWriting(Request request) {
        if (writer.begin()) {
            return true;
        }
        queue.delay(request, RETRY_NANOS, retry);
        return false;
    }

    private void flush(Request request) {
        if (!table.isInFile()) {
            below.submit(request);
        } else if (beginsWriting(request)) {
            writeDurably(request);
        }
    }

    /** Makes durable what has been written, and then the table that tells of it. */
    private void writeDurably(Request request) {
        Request part = null;
        try {
            // Taken first: what they tell of must be there, durably, before.
            pages = table.take();
            part = request.part(Operation.FLUSH, 0, 0).then(whenFlushed);
        } finally {
            if (part == null) {
                giveUp();
            }
        }
        part.submitTo(below);
    }

    private int flushed(Request part, int result) {
        Request next = null;
        try {
            if (result >= 0) {
                next = part.parent().part(Operation.FLUSH, 0, 0).then(whenTableWritten);
            }
        } finally {
            if (next == null) {
                giveUp();
            }
        }
        if (next != null) {
            next.submitTo(tableWriter);
        }
        return result;
    }

    private void writeTable(Request request) {
        writer.write(queue, request, Objects.requireNonNull(pages));
    }

    private int tableWritten(Request part, int result) {
        if (result >= 0) {
            pages = null;
        }
        giveUp();
        if (result >= 0 && part.parent().operation() != Operation.FLUSH) {
            discard(part.parent());
        }
        return result;
    }

    /** Lets the next one write; what has not been written is its. */
    private void giveUp() {
        TableWriter.Pages left = pages;
        pages = null;
        writer.giveUp(left);
    }

    private void reset(Request request) {
        if (table.isInFile() && !beginsWriting(request)) {
            return;
        }
        int errno = Errno.EIO.negated();
        try {
            errno = resetZones(request);
        } finally {
            if (errno < 0 && table.isInFile()) {
                writer.end();
            }
        }
        if (errno < 0) {
            request.complete(errno);
        } else if (table.isInFile()) {
            // Written first: the file tells of no zone whose data has been given up.
            writeDurably(request);
        } else {
            discard(request);
        }
    }

    private int resetZones(Request request) {
        if (request.operation() != Operation.ZONE_RESET_ALL) {
            return table.reset(zoneOf(request));
        }
        table.resetAll();
        return 0;
    }

    /** Gives up the data of a request's zones, where the target below can. */
    private void discard(Request request) {
        boolean isAll = request.operation() == Operation.ZONE_RESET_ALL;
        long at = isAll ? table.startOf(table.conventional()) : request.offset();
        long end = isAll ? table.size() : request.offset() + table.limits().zoneSize();
        long most = leg.maxDiscard() & -leg.logicalBlockSize();
        if (most == 0) {
            if (!table.isInFile()) {
                request.complete(0);
            }
            return;
        }
        Discards all = new Discards(at, end, most);
        for (int i = 0; i < MOST_DISCARDS; i++) {
            discardNext(request, all);
        }
    }

    private void discardNext(Request request, Discards all) {
        long bytes = Math.min(all.most, all.end - all.at);
        if (bytes > 0) {
            Request part = request.part(Operation.DISCARD, all.at, bytes);
            all.at += bytes;
            part.with(all).then(whenDiscarded).submitTo(below);
        }
    }

    private int discarded(Request part, int result) {
        Discards all = (Discards) Objects.requireNonNull(part.context());
        if (result < 0) {
            all.at = all.end;
        } else {
            discardNext(part.parent(), all);
        }
        // The zone is empty all the same, and its data may stay: it is behind the write pointer.
        return result == Errno.EOPNOTSUPP.negated() ? 0 : result;
    }

    /** The discards that a reset has yet to send. */
    private static final class Discards {
        long at;
        final long end;
        final long most;

        Discards(long at, long end, long most) {
            this.at = at;
            this.end = end;
            this.most = most;
        }
    }
}
