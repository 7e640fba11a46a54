package dev.ublk4j.crash;

import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.server.Operation;
import dev.ublk4j.testkit.TestBed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The disk that is recorded, as the program under test has it. */
record ServedDisk(TestBed bed, long size) implements LabDisk {
    @Override
    public int blockSize() {
        return DiskModel.SECTOR;
    }

    @Override
    public byte[] read(long position, int length) {
        return DiskRange.isSome(Operation.READ, position, length, size)
                ? bed.read(position, length)
                : new byte[0];
    }

    @Override
    public void write(long position, byte[] data) {
        if (DiskRange.isSome(Operation.WRITE, position, data.length, size)) {
            bed.write(position, data);
        }
    }

    @Override
    public void writeThrough(long position, byte[] data) {
        if (!DiskRange.isSome(Operation.WRITE, position, data.length, size)) {
            return;
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(data.length, 4096);
            memory.copyFrom(MemorySegment.ofArray(data));
            long _ =
                    bed.submit((DiskRequest request) -> request.writeThrough(position).add(memory))
                            .check();
        }
    }

    @Override
    public void flush() {
        bed.flush();
    }

    @Override
    public void discard(long position, long length) {
        if (DiskRange.isSome(Operation.DISCARD, position, length, size)) {
            bed.discard(position, length);
        }
    }

    @Override
    public void writeZeroes(long position, long length) {
        if (DiskRange.isSome(Operation.WRITE_ZEROES, position, length, size)) {
            bed.writeZeroes(position, length);
        }
    }
}
