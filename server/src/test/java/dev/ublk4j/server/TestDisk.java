package dev.ublk4j.server;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A disk in memory that tests change where they need it to misbehave. */
class TestDisk implements SimpleTarget {
    static final int SIZE = 1 << 20;

    final Arena arena = Arena.ofShared();
    final MemorySegment bytes = arena.allocate(SIZE);
    volatile boolean closed;

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(SIZE).withVolatileCache();
    }

    /** Whether handlers run on virtual threads. */
    boolean blocking() {
        return false;
    }

    /** Hears that a queue begins. */
    void queueStarted(Queue queue) {}

    @Override
    public TargetQueue open(Queue queue) {
        queueStarted(queue);
        Handlers handlers = new Handlers(this, queue);
        return blocking() ? new BlockingHandlers(handlers, queue) : handlers;
    }

    @Override
    public int read(Request request) {
        return request.copyFrom(bytes, request.offset());
    }

    @Override
    public int write(Request request) {
        return request.copyTo(bytes, request.offset());
    }

    @Override
    public void close() {
        closed = true;
        arena.close();
    }
}
