package dev.ublk4j.targets;

import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A disk in memory, which takes pages as they are written and gives them back when discarded. */
public final class MemoryTarget
        implements SimpleTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes, AllocationMap {
    private final Geometry geometry;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment disk;

    /**
     * Creates a disk of zeroes.
     *
     * @param size bytes, a multiple of 512
     * @throws dev.ublk4j.linux.LinuxException {@code ENOMEM} when so much cannot be mapped
     */
    public MemoryTarget(long size) {
        geometry = Geometry.ofSize(size).withDiscard(4096).withWriteZeroes();
        disk = Mapping.anonymous(size, Mapping.MAP_PRIVATE | Mapping.MAP_NORESERVE, arena);
    }

    @Override
    public Geometry geometry() {
        return geometry;
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
        return Mapping.zero(disk, request.offset(), request.length());
    }

    @Override
    public int writeZeroes(Request request) {
        return Mapping.zero(disk, request.offset(), request.length());
    }

    /** What has never been written, or was discarded, has no page. */
    @Override
    public void describe(long offset, long length, Extents extents) {
        PageTable.describe(disk.address() + offset, length, extents);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
