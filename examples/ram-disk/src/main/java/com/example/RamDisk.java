package com.example;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A disk in memory. */
public final class RamDisk implements SimpleTarget, SimpleTarget.Discards {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment disk;

    /**
     * Allocates the disk.
     *
     * @param size bytes, a multiple of 4096
     */
    public RamDisk(long size) {
        disk = arena.allocate(size);
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(disk.byteSize()).withVolatileCache().withDiscard(4096);
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
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
