package dev.ublk4j.conformance.rules;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A disk in memory that keeps its writes waiting until the test lets them go, once and for all. */
final class HeldTarget implements SimpleTarget {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment disk = Mapping.anonymous(8L << 20, Mapping.MAP_PRIVATE, arena);
    private final ConcurrentLinkedQueue<Held> waiting = new ConcurrentLinkedQueue<>();

    private volatile boolean free;

    private record Held(Queue queue, long id, MemorySegment data, long offset) {}

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(disk.byteSize());
    }

    @Override
    public int read(Request request) {
        return request.copyFrom(disk, request.offset());
    }

    @Override
    public int write(Request request) {
        if (free) {
            return request.copyTo(disk, request.offset());
        }
        waiting.add(new Held(request.queue(), request.id(), request.data(), request.offset()));
        return Request.PENDING;
    }

    /** Waits until a write is here. */
    void awaitWrite() {
        Pause.until("the write reaches the target", () -> !waiting.isEmpty());
    }

    /** {@return the number of a queue that a write waits in} */
    int queueOfAWrite() {
        return waiting.element().queue.id();
    }

    /** Does the writes that wait, and from now on every write at once. */
    void letGo() {
        free = true;
        for (Held held = waiting.poll(); held != null; held = waiting.poll()) {
            MemorySegment.copy(held.data, 0, disk, held.offset, held.data.byteSize());
            held.queue.complete(held.id, (int) held.data.byteSize());
        }
    }

    /** {@return what is on the disk} */
    MemorySegment disk() {
        return disk;
    }

    @Override
    public void close() {
        arena.close();
    }
}
