package dev.ublk4j.nbd;

import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.nbd.wire.ReplyHeader;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Tells what a map of a target says, such as its {@link AllocationMap}, in whole blocks of the
 * device, which is all that a client was told of. A block is a hole, or unchanged, where all of it
 * is; nothing is made of what the map leaves out, apart from the first block, which is told as data
 * then.
 */
final class BlockStatus {
    /** Compact headers have 32 bits for the length of an extent. */
    private static final long MAX_COMPACT_EXTENT = 0xffff_f000L;

    /** Runs of the map that are looked at for one extent: some may be parts of a block. */
    private static final int MIN_RUNS = 16;

    private final int block;
    private final @Nullable AllocationMap map;

    /**
     * Makes one for a device.
     *
     * @param block bytes of a block, a power of two
     * @param map null where nothing is known
     */
    BlockStatus(int block, @Nullable AllocationMap map) {
        this.block = block;
        this.map = map;
    }

    /** Writes extents that answer an operation, as many as there is room for; answers how many. */
    int describe(Operation operation, MetaContext context, MemorySegment to) {
        ReplyHeader replies = operation.replies();
        long length = operation.length();
        if (replies != ReplyHeader.EXTENDED) {
            length = Math.min(length, MAX_COMPACT_EXTENT);
        }
        int limit =
                operation.has(Command.FLAG_REQ_ONE)
                        ? 1
                        : (int) (to.byteSize() / replies.extentBytes());
        Extents extents = describe(operation.offset(), length, limit);
        for (int run = 0; run < extents.count(); run++) {
            replies.extent(
                    to,
                    (long) run * replies.extentBytes(),
                    extents.length(run),
                    context.status(extents.isData(run)));
        }
        return extents.count();
    }

    /**
     * Describes a range from its start on.
     *
     * @param offset within the device; extents end at blocks even where it is none's beginning
     * @param length bytes, within the device
     * @param limit how many extents at most
     * @return at least one extent, together at most {@code length}
     */
    Extents describe(long offset, long length, int limit) {
        long end = offset + length;
        long first = offset & -block;
        Extents runs = new Extents(Math.max(limit, MIN_RUNS));
        if (map != null) {
            // A device is whole blocks, so this stays within it.
            long wholeEnd = (end + block - 1) & -block;
            map.describe(first, wholeEnd - first, runs);
        }
        Extents extents = new Extents(limit);
        if (runs.count() == 0) {
            extents.add(length, true);
            return extents;
        }
        cut(runs, first, offset, end, extents);
        if (extents.count() == 0) {
            extents.add(Math.min(first + block, end) - offset, true);
        }
        return extents;
    }

    /** Adds runs, rounded to blocks, to extents that go from {@code offset} to {@code end}. */
    private void cut(Extents runs, long first, long offset, long end, Extents extents) {
        // Everything before `known` has been told; the block that begins there may be known in
        // part.
        long known = first;
        long at = first;
        boolean isData = false;
        boolean more = true;
        for (int run = 0; run < runs.count() && more && known < end; run++) {
            // Whatever the map makes of its range, no more than that was asked for.
            long wholeEnd = (end + block - 1) & -block;
            long runEnd = at + Math.min(runs.length(run), wholeEnd - at);
            if (at > known) {
                isData |= runs.isData(run);
                at = Math.min(runEnd, known + block);
                if (at == known + block) {
                    more = tell(known, at, isData, offset, end, extents);
                    known = at;
                }
            }
            if (at == known && more) {
                long whole = runEnd & -block;
                more = tell(known, whole, runs.isData(run), offset, end, extents);
                known = whole;
                isData = runs.isData(run);
            }
            at = runEnd;
        }
    }

    private static boolean tell(
            long from, long to, boolean isData, long offset, long end, Extents extents) {
        long bytes = Math.min(to, end) - Math.max(from, offset);
        return extents.add(Math.max(bytes, 0), isData);
    }
}
