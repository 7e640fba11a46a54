package dev.ublk4j.nbd;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.nbd.wire.Allocation;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.ReplyHeader;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Does what takes several requests to the disk, or has to wait: on virtual threads, one step after
 * the other.
 */
final class SlowPath {
    private static final System.Logger LOG = System.getLogger(SlowPath.class.getName());

    /** Zeroes that are written as data, at one go. */
    private static final int ZEROES = 1 << 20;

    /** Compact headers have 32 bits for the length of an extent. */
    private static final long MAX_COMPACT_EXTENT = 0xffff_f000L;

    private final NbdExport export;
    private final Disk disk;
    private final int block;

    SlowPath(NbdExport export) {
        this.export = export;
        this.disk = export.disk();
        this.block = disk.logicalBlockBytes();
    }

    /** Does an operation; from any thread. */
    void start(Operation operation) {
        Thread.ofVirtual().name("nbd-slow").start(() -> run(operation));
    }

    private void run(Operation operation) {
        try {
            if (operation.command() == Command.BLOCK_STATUS) {
                operation.finishStatus(describe(operation));
                return;
            }
            long result = perform(operation);
            if (result >= 0 && operation.has(Command.FLAG_FUA)) {
                result = disk.flush();
            }
            operation.finish(result);
        } catch (RuntimeException e) {
            boolean known = e instanceof LinuxException;
            LOG.log(known ? Level.INFO : Level.ERROR, () -> operation + " failed", e);
            operation.finish(
                    e instanceof LinuxException refused ? -refused.number() : Errno.EIO.negated());
        }
    }

    private long perform(Operation operation) {
        return switch (operation.command()) {
            case Command.TRIM -> trim(operation.offset(), operation.length());
            case Command.WRITE -> {
                long stamp = enter(operation);
                try {
                    yield write(operation);
                } finally {
                    export.gate().leave(stamp);
                }
            }
            case Command.WRITE_ZEROES -> {
                long stamp = enter(operation);
                try {
                    yield writeZeroes(operation);
                } finally {
                    export.gate().leave(stamp);
                }
            }
            default -> throw new IllegalStateException("not slow: " + operation);
        };
    }

    private long enter(Operation operation) {
        return operation.isAligned() ? export.gate().enter() : export.gate().enterAlone();
    }

    /** Forgets the whole blocks of a range: more would be too much, and less is allowed. */
    private long trim(long offset, long length) {
        long first = ceiling(offset);
        long end = floor(offset + length);
        return first < end ? disk.discard(first, end - first) : 0;
    }

    private long floor(long position) {
        return position & -block;
    }

    private long ceiling(long position) {
        return floor(position + block - 1);
    }

    /** Puts the payload into its blocks, whose other bytes are read first, and writes them. */
    private long write(Operation operation) {
        long first = floor(operation.offset());
        long bytes = operation.blockBytes();
        int pad = (int) (operation.offset() - first);
        MemorySegment data = operation.memory().asSlice(0, bytes);
        if (operation.isAligned()) {
            return disk.write(data, first);
        }
        try (Arena arena = Arena.ofShared()) {
            // The payload lies at the start of the memory, so it is put together elsewhere.
            MemorySegment blocks = arena.allocate(bytes, PageRuns.PAGE_BYTES);
            long answer = disk.read(blocks.asSlice(0, block), first);
            if (answer >= 0 && bytes > block) {
                answer = disk.read(blocks.asSlice(bytes - block, block), first + bytes - block);
            }
            if (answer < 0) {
                return answer;
            }
            MemorySegment.copy(data, 0, blocks, pad, operation.length());
            return disk.write(blocks, first);
        }
    }

    private long writeZeroes(Operation operation) {
        long offset = operation.offset();
        long end = offset + operation.length();
        long first = ceiling(offset);
        long last = floor(end);
        if (first > last) {
            return zeroPart(offset, end);
        }
        long answer = offset < first ? zeroPart(offset, first) : 0;
        if (answer >= 0 && first < last) {
            answer = zeroBlocks(operation, first, last - first);
        }
        if (answer >= 0 && last < end) {
            answer = zeroPart(last, end);
        }
        return answer;
    }

    /** Zeroes a part of one block. */
    private long zeroPart(long from, long to) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment one = arena.allocate(block, PageRuns.PAGE_BYTES);
            long answer = disk.read(one, floor(from));
            if (answer < 0) {
                return answer;
            }
            one.asSlice(from - floor(from), to - from).fill((byte) 0);
            return disk.write(one, floor(from));
        }
    }

    private long zeroBlocks(Operation operation, long offset, long length) {
        long answer =
                disk.canWriteZeroes()
                        ? disk.writeZeroes(offset, length, !operation.has(Command.FLAG_NO_HOLE))
                        : Errno.EOPNOTSUPP.negated();
        if (answer != Errno.EOPNOTSUPP.negated() || operation.has(Command.FLAG_FAST_ZERO)) {
            return answer;
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment zeroes = arena.allocate(Math.min(length, ZEROES), PageRuns.PAGE_BYTES);
            long done = 0;
            while (done < length) {
                long bytes = Math.min(length - done, zeroes.byteSize());
                answer = disk.write(zeroes.asSlice(0, bytes), offset + done);
                if (answer < 0) {
                    return answer;
                }
                done += bytes;
            }
            return 0;
        }
    }

    /** Writes extents into the operation's memory; answers how many. */
    private int describe(Operation operation) {
        ReplyHeader replies = operation.replies();
        long length = operation.length();
        if (replies != ReplyHeader.EXTENDED) {
            length = Math.min(length, MAX_COMPACT_EXTENT);
        }
        MemorySegment memory = operation.memory();
        int limit =
                operation.has(Command.FLAG_REQ_ONE)
                        ? 1
                        : (int) (memory.byteSize() / replies.extentBytes());
        Extents extents = new Extents(limit);
        AllocationMap allocation = export.allocation();
        if (allocation != null) {
            allocation.describe(operation.offset(), length, extents);
        }
        if (extents.count() == 0) {
            extents.add(length, true);
        }
        for (int run = 0; run < extents.count(); run++) {
            replies.extent(
                    memory,
                    (long) run * replies.extentBytes(),
                    extents.length(run),
                    extents.isData(run) ? 0 : Allocation.HOLE_AND_ZERO);
        }
        return extents.count();
    }
}
