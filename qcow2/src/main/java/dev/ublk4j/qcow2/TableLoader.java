package dev.ublk4j.qcow2;

import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Loads L2 tables over the ring of a queue: takes requests whose table is not in memory, and sends
 * them back when it has been. A table is loaded once however many wait for it.
 */
final class TableLoader implements TargetQueue {
    /** So that tables of 2 MiB do not take much memory. */
    private static final int AT_A_TIME = 4;

    private final Queue queue;
    private final Mapping mapping;
    private final TargetQueue data;
    private final TargetQueue back;
    private final int clusterBytes;
    private final Arena arena = Arena.ofShared();
    private final List<Load> idle = new ArrayList<>();
    private final List<Load> busy = new ArrayList<>();
    private final List<Request> waiting = new ArrayList<>();
    private final Completion whenLoaded = this::loaded;

    private static final class Load {
        final MemorySegment memory;
        Mapping.Ticket ticket = new Mapping.Ticket(-1, 0, 0);

        Load(MemorySegment memory) {
            this.memory = memory;
        }
    }

    /**
     * Opens one.
     *
     * @param data has the tables, too
     * @param back where requests go on
     */
    TableLoader(Queue queue, Image image, TargetQueue data, TargetQueue back) {
        this.queue = queue;
        this.mapping = image.mapping();
        this.data = data;
        this.back = back;
        this.clusterBytes = image.clusterBytes();
    }

    /** Takes a request whose bytes belong to one table. */
    @Override
    public void submit(Request request) {
        int index = mapping.indexOf(request.offset());
        if (mapping.table(index) != null || mapping.isEmpty(index)) {
            sendBack(request);
            return;
        }
        if (busy.size() == AT_A_TIME
                || busy.stream().anyMatch(load -> load.ticket.index() == index)) {
            waiting.add(request);
            return;
        }
        Load load =
                idle.isEmpty() ? new Load(arena.allocate(clusterBytes, 4096)) : idle.removeLast();
        load.ticket = mapping.beginLoad(index);
        busy.add(load);
        request.part(Operation.READ, load.ticket.place(), load.memory)
                .with(load)
                .then(whenLoaded)
                .submitTo(data);
    }

    private int loaded(Request part, int result) {
        Load load = (Load) Objects.requireNonNull(part.context());
        busy.remove(load);
        idle.add(load);
        if (result >= 0) {
            mapping.install(load.ticket, load.memory);
            sendBack(part.parent());
        }
        List<Request> all = List.copyOf(waiting);
        waiting.clear();
        all.forEach(this::submit);
        return result;
    }

    /** Looks at the table again, which may have to be loaded once more. */
    private void sendBack(Request request) {
        request.part(0, request.length()).submitTo(back);
    }

    @Override
    public void close() {
        if (!queue.hasIoLeft()) {
            arena.close();
        }
    }
}
