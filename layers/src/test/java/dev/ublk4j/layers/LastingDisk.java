package dev.ublk4j.layers;

import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** A disk in memory that is found again under its name by the next server, as one in a file is. */
class LastingDisk implements SimpleTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
    private static final ConcurrentMap<Path, MemorySegment> DISKS = new ConcurrentHashMap<>();

    final MemorySegment disk;

    LastingDisk(Path name, long size) {
        disk = DISKS.computeIfAbsent(name, _ -> Arena.ofAuto().allocate(size));
    }

    /** The same on virtual threads. */
    static final class OnThreads extends LastingDisk implements BlockingTarget {
        OnThreads(Path name, long size) {
            super(name, size);
        }
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(disk.byteSize())
                .withVolatileCache()
                .withDiscard(4096)
                .withWriteZeroes();
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
}
