package dev.ublk4j.guest;

import dev.ublk4j.crash.LabDisk;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A disk of a guest that can be changed for another while nothing uses it. An empty slot reads as
 * zeroes and takes no writes.
 */
final class Slot implements BlockingTarget, SimpleTarget.Discards, SimpleTarget.WritesZeroes {
    private static final int DISCARD_UNIT = 4096;

    private final long size;
    private volatile @Nullable LabDisk disk;

    Slot(long size, @Nullable LabDisk disk) {
        this.size = size;
        this.disk = disk;
    }

    long size() {
        return size;
    }

    void put(LabDisk other) {
        disk = other;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(size)
                .withVolatileCache()
                .withDiscard(DISCARD_UNIT)
                .withWriteZeroes();
    }

    private LabDisk disk() {
        LabDisk present = disk;
        if (present == null) {
            throw new LinuxException("write", "an empty slot", Errno.EIO.negated());
        }
        return present;
    }

    @Override
    public int read(Request request) {
        int length = (int) request.length();
        LabDisk present = disk;
        byte[] data = present == null ? new byte[length] : present.read(request.offset(), length);
        return request.copyFrom(MemorySegment.ofArray(data), 0);
    }

    @Override
    public int write(Request request) {
        byte[] data = new byte[(int) request.length()];
        int length = request.copyTo(MemorySegment.ofArray(data), 0);
        if (request.forcesUnitAccess()) {
            disk().writeThrough(request.offset(), data);
        } else {
            disk().write(request.offset(), data);
        }
        return length;
    }

    @Override
    public int flush(Request request) {
        LabDisk present = disk;
        if (present != null) {
            present.flush();
        }
        return 0;
    }

    @Override
    public int discard(Request request) {
        disk().discard(request.offset(), request.length());
        return 0;
    }

    @Override
    public int writeZeroes(Request request) {
        disk().writeZeroes(request.offset(), request.length());
        return 0;
    }

    @Override
    public String toString() {
        return "a slot of %d bytes".formatted(size);
    }
}
