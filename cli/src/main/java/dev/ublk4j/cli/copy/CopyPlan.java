package dev.ublk4j.cli.copy;

import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is left to be copied, handed out piece by piece from the start on, and how far all of it is
 * done. Any thread.
 */
final class CopyPlan {
    /** The largest piece of data, and what a worker has memory for. */
    static final int PIECE = 1 << 20;

    /** The largest piece that holds nothing: small enough for progress to be seen. */
    private static final long LARGEST_HOLE = 256L << 20;

    /** How much is asked of the source's map at a time. */
    private static final long WINDOW = 1L << 30;

    private static final int RUNS = 4096;

    private final @Nullable AllocationMap map;
    private final long end;

    /** Pieces begin and end at multiples of this. */
    private final int block;

    /** Where the next piece begins. */
    private long cursor;

    private Extents extents = new Extents(1);
    private int run;

    /** Where the run ends, as the map has it. */
    private long mapped;

    /** What of the run is left. */
    private long runLeft;

    private final TreeMap<Long, Piece> out = new TreeMap<>();
    private long finished;
    private boolean stopped;

    /**
     * A piece.
     *
     * @param offset first byte
     * @param length bytes, at most {@link #PIECE} where there may be data
     * @param isData whether there may be data: else it reads as zeroes
     */
    record Piece(long offset, long length, boolean isData) {}

    /**
     * Plans to copy.
     *
     * @param map of the source, null where all of it may hold data
     * @param begin what comes before this is done
     * @param block a block of both sides: what the map tells apart within one is data as a whole
     */
    CopyPlan(@Nullable AllocationMap map, long begin, long end, int block) {
        this.map = map;
        this.end = end;
        this.block = block;
        this.cursor = begin;
        this.mapped = begin;
    }

    /** {@return the next piece, null when there is none left, or the copy is to stop} */
    synchronized @Nullable Piece next() {
        if (stopped || cursor >= end) {
            return null;
        }
        if (runLeft == 0) {
            nextRun();
        }
        boolean isData = map == null || extents.isData(run);
        long length = Math.min(runLeft, isData ? PIECE : LARGEST_HOLE);
        // Pieces of data begin where their size does, as objects and clusters do.
        if (isData && length == PIECE) {
            length = Math.min(length, PIECE - cursor % PIECE);
        }
        Piece piece = new Piece(cursor, length, isData);
        out.put(cursor, piece);
        cursor += length;
        runLeft -= length;
        return piece;
    }

    private void nextRun() {
        if (map == null) {
            runLeft = end - cursor;
            return;
        }
        // A run that lies in blocks that have been handed out as data has nothing left.
        do {
            run++;
            if (run >= extents.count()) {
                describe(map);
            }
            mapped = Math.min(mapped + extents.length(run), end);
            runLeft = endOfRun() - cursor;
        } while (runLeft <= 0);
    }

    private void describe(AllocationMap known) {
        long window = Math.min(WINDOW, end - mapped);
        extents = new Extents(RUNS);
        known.describe(mapped, window, extents);
        run = 0;
        if (extents.described() == 0) {
            boolean _ = extents.add(window, true);
        }
    }

    private long endOfRun() {
        if (mapped == end) {
            return end;
        }
        long whole = mapped / block * block;
        return whole < mapped && extents.isData(run) ? Math.min(whole + block, end) : whole;
    }

    /** Notes that a piece is done. */
    synchronized void done(Piece piece) {
        out.remove(piece.offset());
        finished += piece.length();
    }

    /** {@return the byte before which all is done} */
    synchronized long mark() {
        return out.isEmpty() ? cursor : out.firstKey();
    }

    /** {@return bytes that are done, wherever they lie} */
    synchronized long finished() {
        return finished;
    }

    /** Hands no more pieces out. */
    synchronized void stop() {
        stopped = true;
    }

    /** {@return whether all pieces have been handed out and are done} */
    synchronized boolean isComplete() {
        return cursor >= end && out.isEmpty();
    }
}
