package dev.ublk4j.cli.copy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.SharedBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies or compares pieces, one after the other, on a thread of its own. Its memory is shared with
 * both devices, so the source's target reads straight into what the destination's writes from.
 */
final class CopyWorker implements AutoCloseable {
    /** Data that is all zero is found in these steps. */
    private static final int GRAIN = 64 << 10;

    private final CopySide source;
    private final CopySide destination;

    /** Whether zeroes need not be written: the destination held nothing. */
    private final boolean blank;

    private final Arena arena = Arena.ofShared();
    private final List<SharedBuffer> shares = new ArrayList<>();
    private final MemorySegment data;
    private final MemorySegment other;
    private final MemorySegment zeroes;
    private final ClientMemory client;
    private final ClientMemory otherClient;
    private final ClientMemory zeroClient;

    private volatile long answer;
    private volatile boolean answered;

    CopyWorker(CopySide source, CopySide destination, boolean blank) {
        this.source = source;
        this.destination = destination;
        this.blank = blank;
        try {
            MemorySegment memory =
                    Mapping.anonymous(3L * CopyPlan.PIECE, Mapping.MAP_SHARED, arena);
            shares.add(source.device().share(memory, false));
            shares.add(destination.device().share(memory, false));
            data = memory.asSlice(0, CopyPlan.PIECE);
            other = memory.asSlice(CopyPlan.PIECE, CopyPlan.PIECE);
            zeroes = memory.asSlice(2L * CopyPlan.PIECE, CopyPlan.PIECE);
            client = new ClientMemory(data);
            otherClient = new ClientMemory(other);
            zeroClient = new ClientMemory(zeroes);
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    /** {@return the bytes of data of a piece that have been written, the rest being zeroes} */
    long copy(CopyPlan.Piece piece) {
        if (!piece.isData()) {
            zero(piece.offset(), piece.length());
            return 0;
        }
        read(source, client, piece.offset(), piece.length());
        long written = 0;
        for (long at = 0; at < piece.length(); ) {
            boolean isZero = isZero(data, at, grain(piece, at));
            long to = at + grain(piece, at);
            while (to < piece.length() && isZero(data, to, grain(piece, to)) == isZero) {
                to += grain(piece, to);
            }
            if (isZero) {
                zero(piece.offset() + at, to - at);
            } else {
                write(client, at, piece.offset() + at, to - at);
                written += to - at;
            }
            at = to;
        }
        return written;
    }

    private static long grain(CopyPlan.Piece piece, long at) {
        return Math.min(GRAIN, piece.length() - at);
    }

    private boolean isZero(MemorySegment memory, long at, long length) {
        return MemorySegment.mismatch(memory, at, at + length, zeroes, 0, length) < 0;
    }

    private void zero(long offset, long length) {
        if (blank) {
            return;
        }
        if (destination.disk().canWriteZeroes()) {
            long result =
                    ask(destination.disk(), request -> request.writeZeroes(offset, length, true));
            if (result != Errno.EOPNOTSUPP.negated()) {
                destination.check("write zeroes to", offset, result);
                return;
            }
        }
        for (long at = 0; at < length; at += CopyPlan.PIECE) {
            write(zeroClient, 0, offset + at, Math.min(CopyPlan.PIECE, length - at));
        }
    }

    private void write(ClientMemory memory, long from, long offset, long length) {
        long result =
                ask(destination.disk(), request -> request.write(offset).add(memory, from, length));
        destination.check("write", offset, result);
    }

    private void read(CopySide side, ClientMemory memory, long offset, long length) {
        long result = ask(side.disk(), request -> request.read(offset).add(memory, 0, length));
        side.check("read", offset, result);
    }

    /**
     * Compares a piece.
     *
     * @throws Failure when the destination has something else
     */
    void verify(CopyPlan.Piece piece) {
        if (!piece.isData() && isHole(destination.map(), piece)) {
            return;
        }
        for (long at = 0; at < piece.length(); at += CopyPlan.PIECE) {
            long offset = piece.offset() + at;
            long length = Math.min(CopyPlan.PIECE, piece.length() - at);
            MemorySegment expected = zeroes;
            if (piece.isData()) {
                read(source, client, offset, length);
                expected = data;
            }
            read(destination, otherClient, offset, length);
            long different = MemorySegment.mismatch(expected, 0, length, other, 0, length);
            if (different >= 0) {
                throw new Failure(
                        "%s differs from %s at byte %d"
                                .formatted(destination.name(), source.name(), offset + different));
            }
        }
    }

    private static boolean isHole(@Nullable AllocationMap map, CopyPlan.Piece piece) {
        if (map == null) {
            return false;
        }
        Extents extents = new Extents(1);
        map.describe(piece.offset(), piece.length(), extents);
        return extents.count() == 1 && !extents.isData(0) && extents.described() == piece.length();
    }

    private long ask(Disk disk, Consumer<DiskRequest> filling) {
        Thread asking = Thread.currentThread();
        answered = false;
        DiskRequest request =
                new DiskRequest((_, result) -> {
                    answer = result;
                    answered = true;
                    LockSupport.unpark(asking);
                });
        filling.accept(request);
        disk.submit(request);
        while (!answered) {
            LockSupport.park(this);
        }
        return answer;
    }

    /** Gives its memory back; nothing is under way. */
    @Override
    public void close() {
        try {
            for (SharedBuffer share : shares) {
                share.close();
            }
        } finally {
            arena.close();
        }
    }
}
