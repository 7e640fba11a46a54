package dev.ublk4j.conformance.lane;

import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.ZoneChange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoOp;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/** A disk of the embedded driver. */
final class EmbeddedDisk implements ClientDisk {
    private final Disk disk;

    EmbeddedDisk(Disk disk) {
        this.disk = disk;
    }

    @Override
    public long size() {
        return disk.size();
    }

    @Override
    public CompletableFuture<Long> submit(Io io) {
        // The file of a disk without metadata takes none, whatever else is wrong.
        if (io.metadata() != null && disk.metadataBytes(disk.logicalBlockBytes()) == 0) {
            return CompletableFuture.completedFuture((long) Errno.EINVAL.negated());
        }
        long toTheEnd = Math.max(0, disk.size() - io.position());
        if (toTheEnd == 0 && io.op() != IoOp.UBLK_IO_OP_FLUSH) {
            return CompletableFuture.completedFuture(behindTheEnd(io.op()));
        }
        boolean cut = io.op() == IoOp.UBLK_IO_OP_WRITE_ZEROES && io.length() > toTheEnd;
        CompletableFuture<Long> answer = new CompletableFuture<>();
        // Completed elsewhere: what waits for the answer must not run on a queue's thread.
        DiskRequest request =
                new DiskRequest((ended, result) ->
                        answer.completeAsync(
                                () -> cut && result >= 0 ? io.length() : result,
                                Thread::startVirtualThread));
        fill(request, cut ? Io.writeZeroes(io.position(), toTheEnd, io.mayUnmap()) : io);
        long room = toTheEnd;
        for (Piece piece : io.pieces()) {
            long length = Math.min(piece.length(), room);
            if (length > 0) {
                add(request, piece.area().piece(piece.offset(), length));
            }
            room -= length;
        }
        if (io.metadata() != null) {
            request.metadata(io.metadata().memory());
        }
        disk.submit(request);
        return answer;
    }

    /** {@return what the file of a block device answers itself: nothing reaches behind the end} */
    private long behindTheEnd(int op) {
        if (op == IoOp.UBLK_IO_OP_READ) {
            return 0;
        }
        Errno errno =
                switch (op) {
                    case IoOp.UBLK_IO_OP_WRITE -> Errno.ENOSPC;
                    case IoOp.UBLK_IO_OP_DISCARD ->
                            disk.canDiscard() ? Errno.EINVAL : Errno.EOPNOTSUPP;
                    default -> Errno.EINVAL;
                };
        boolean asksFirst = op != IoOp.UBLK_IO_OP_WRITE_ZEROES && errno != Errno.EOPNOTSUPP;
        return (asksFirst && disk.isReadOnly() ? Errno.EPERM : errno).negated();
    }

    private static void add(DiskRequest request, Piece piece) {
        if (piece.area() instanceof EmbeddedLane.Known known) {
            request.add(known.client(), piece.offset(), piece.length());
        } else {
            request.add(piece.memory());
        }
    }

    private static void fill(DiskRequest request, Io io) {
        var _ =
                switch (io.op()) {
                    case IoOp.UBLK_IO_OP_READ -> request.read(io.position());
                    case IoOp.UBLK_IO_OP_WRITE ->
                            io.durable()
                                    ? request.writeThrough(io.position())
                                    : request.write(io.position());
                    case IoOp.UBLK_IO_OP_FLUSH -> request.flush();
                    case IoOp.UBLK_IO_OP_DISCARD -> request.discard(io.position(), io.length());
                    case IoOp.UBLK_IO_OP_WRITE_ZEROES ->
                            request.writeZeroes(io.position(), io.length(), io.mayUnmap());
                    default -> throw new IllegalArgumentException(io.toString());
                };
    }

    @Override
    public long pread(MemorySegment memory, long position) {
        return disk.read(memory, position);
    }

    @Override
    public long pwrite(MemorySegment memory, long position) {
        return disk.write(memory, position);
    }

    @Override
    public long changeZones(ZoneChange change, long position, long length) {
        if (change == ZoneChange.RESET && position == 0 && length == disk.size()) {
            return disk.resetAllZones();
        }
        long answer = 0;
        for (long at = position; at < position + length && answer == 0; at += disk.zoneBytes()) {
            answer = disk.changeZone(change, at);
        }
        return answer;
    }

    @Override
    public long reportZones(long position, MemorySegment memory) {
        return disk.reportZones(position, memory);
    }

    @Override
    public long append(MemorySegment memory, long position) {
        return disk.append(memory, position);
    }

    @Override
    public void close() {
        disk.close();
    }

    @Override
    public String toString() {
        return disk.toString();
    }
}
