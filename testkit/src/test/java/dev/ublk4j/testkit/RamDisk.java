package dev.ublk4j.testkit;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A disk in memory, which tests change where they need it to be wrong. */
class RamDisk implements SimpleTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
    static final int SIZE = 1 << 20;

    private final Arena arena = Arena.ofShared();
    final MemorySegment disk = arena.allocate(SIZE);

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(SIZE).withVolatileCache().withDiscard(4096).withWriteZeroes();
    }

    @Override
    public int read(Request request) {
        return request.copyFrom(disk, request.offset());
    }

    @Override
    public int write(Request request) {
        return request.copyTo(disk, request.offset());
    }

    @Override
    public int discard(Request request) {
        disk.asSlice(request.offset(), request.length()).fill((byte) 0);
        return 0;
    }

    @Override
    public int writeZeroes(Request request) {
        return discard(request);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
