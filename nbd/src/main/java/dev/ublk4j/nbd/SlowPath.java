package dev.ublk4j.nbd;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.nbd.wire.ReplyHeader;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongBinaryOperator;

/**
 * Does what takes several requests to the disk, or has to wait: on virtual threads, one step after
 * the other.
 *
 * <p>What is long is done in pieces, and goes on only while somebody is there who wants it.
 */
final class SlowPath {
    /**
     * The longest range that goes to the disk at a time, bytes, and the most that a device takes as
     * one request. Pieces are cut at multiples of it.
     */
    static final long PIECE = 1L << 30;

    /** Zeroes that are written as data, at one go. */
    private static final MemorySegment ZEROES = Arena.global().allocate(1 << 20, Pages.SIZE);

    private static final long NOT_WANTED = Errno.ESHUTDOWN.negated();

    private final NbdExport export;
    private final Disk disk;
    private final int block;
    private final Map<MetaContext, BlockStatus> statuses = new EnumMap<>(MetaContext.class);

    SlowPath(NbdExport export) {
        this.export = export;
        this.disk = export.disk();
        this.block = disk.logicalBlockBytes();
        for (MetaContext context : export.contexts()) {
            statuses.put(context, new BlockStatus(block, export.map(context)));
        }
    }

    /** Does an operation; from any thread. */
    void start(Operation operation) {
        try {
            export.threads().startVirtual("nbd-slow", () -> run(operation));
        } catch (Throwable e) {
            export.complaint().make(Level.WARNING, export + ": cannot create a thread: " + e);
            operation.finish(Errno.ENOMEM.negated());
        }
    }

    private void run(Operation operation) {
        long result;
        try {
            if (operation.command() == Command.BLOCK_STATUS) {
                tellStatus(operation);
                return;
            }
            result = perform(operation);
            if (result >= 0 && operation.has(Command.FLAG_FUA)) {
                result = disk.flush();
            }
        } catch (LinuxException e) {
            result = e.number() > 0 ? -e.number() : Errno.EIO.negated();
            complain(operation, e);
        } catch (OutOfMemoryError e) {
            result = Errno.ENOMEM.negated();
            complain(operation, e);
        } catch (Throwable e) {
            result = Errno.EIO.negated();
            complain(operation, e);
        }
        operation.finish(result);
    }

    /** Answers with a chunk for each context, with a fair share of the memory for each. */
    private void tellStatus(Operation operation) {
        List<MetaContext> contexts = operation.contexts();
        MemorySegment memory = operation.memory();
        long share = memory.byteSize() / contexts.size();
        for (MetaContext context : contexts) {
            long at = operation.statusBytes();
            BlockStatus status = Objects.requireNonNull(statuses.get(context));
            int extents =
                    status.describe(
                            operation, context, memory.asSlice(at, share - ReplyHeader.MAX_BYTES));
            operation.addStatus(context, extents, context == contexts.getLast());
        }
        operation.finishStatus();
    }

    /**
     * Once for an export: a client can have as many fail as it likes. Throws nothing, as the
     * operation is yet to be answered: without descriptors not even the classes that name it may
     * load.
     */
    private void complain(Operation operation, Throwable thrown) {
        String text;
        try {
            text = "%s: %s failed: %s".formatted(export, operation, thrown);
        } catch (Throwable _) {
            text = "an operation of a client failed, and cannot be named";
        }
        export.complaint().make(Level.ERROR, text);
    }

    private long perform(Operation operation) {
        return switch (operation.command()) {
            case Command.TRIM -> trim(operation);
            case Command.WRITE -> gated(!operation.isAligned(), () -> write(operation));
            case Command.WRITE_ZEROES -> writeZeroes(operation);
            default -> throw new IllegalStateException("not slow: " + operation);
        };
    }

    /** A step that changes data. */
    private interface Step {
        long run();
    }

    /** Takes a step when it is its turn, alone if it must be. */
    private long gated(boolean alone, Step step) {
        WriteGate gate = export.gate();
        long stamp = alone ? gate.enterAlone() : gate.enter();
        try {
            return step.run();
        } finally {
            gate.leave(stamp);
        }
    }

    /**
     * Does something to a range in pieces, while it is wanted.
     *
     * @param most bytes of a piece
     * @param step takes where a piece begins and how long it is, and answers a negative errno when
     *     it has failed
     */
    private static long inPieces(
            Operation operation, long first, long end, long most, LongBinaryOperator step) {
        long answer = 0;
        for (long at = first; at < end && answer >= 0; ) {
            if (at > first && !operation.isWanted()) {
                return NOT_WANTED;
            }
            long bytes = Math.min(end - at, most - at % most);
            answer = step.applyAsLong(at, bytes);
            at += bytes;
        }
        return answer;
    }

    /** Forgets the whole blocks of a range: more would be too much, and less is allowed. */
    private long trim(Operation operation) {
        long first = ceiling(operation.offset());
        long end = floor(operation.offset() + operation.length());
        return inPieces(operation, first, end, PIECE, disk::discard);
    }

    private long floor(long position) {
        return position & -block;
    }

    private long ceiling(long position) {
        return floor(position + block - 1);
    }

    /** Writes the payload, having read what else there is in its first and last block. */
    private long write(Operation operation) {
        long first = floor(operation.offset());
        long bytes = operation.blockBytes();
        MemorySegment data = operation.memory().asSlice(0, bytes);
        if (operation.isAligned()) {
            return disk.write(data, first);
        }
        int pad = operation.pad();
        long end = pad + operation.length();
        long last = bytes - block;
        long answer = pad > 0 ? readInto(data.asSlice(0, pad), first, 0) : 0;
        if (answer >= 0 && end < bytes) {
            answer = readInto(data.asSlice(end), first + last, end - last);
        }
        return answer < 0 ? answer : disk.write(data, first);
    }

    /** Reads a part of a block. */
    private long readInto(MemorySegment part, long position, long inBlock) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment one = arena.allocate(block, Pages.SIZE);
            long answer = disk.read(one, position);
            if (answer >= 0) {
                part.copyFrom(one.asSlice(inBlock, part.byteSize()));
            }
            return answer;
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
            answer =
                    inPieces(
                            operation,
                            first,
                            last,
                            PIECE,
                            (at, bytes) -> zeroBlocks(operation, at, bytes));
        }
        if (answer >= 0 && last < end) {
            answer = zeroPart(last, end);
        }
        return answer;
    }

    /** Zeroes a part of one block. */
    private long zeroPart(long from, long to) {
        return gated(
                true,
                () -> {
                    try (Arena arena = Arena.ofShared()) {
                        MemorySegment one = arena.allocate(block, Pages.SIZE);
                        long answer = disk.read(one, floor(from));
                        if (answer < 0) {
                            return answer;
                        }
                        one.asSlice(from - floor(from), to - from).fill((byte) 0);
                        return disk.write(one, floor(from));
                    }
                });
    }

    private long zeroBlocks(Operation operation, long offset, long length) {
        boolean mayUnmap = !operation.has(Command.FLAG_NO_HOLE);
        long answer =
                disk.canWriteZeroes()
                        ? gated(false, () -> disk.writeZeroes(offset, length, mayUnmap))
                        : Errno.EOPNOTSUPP.negated();
        if (answer != Errno.EOPNOTSUPP.negated() || operation.has(Command.FLAG_FAST_ZERO)) {
            return answer;
        }
        return inPieces(
                operation,
                offset,
                offset + length,
                ZEROES.byteSize(),
                (at, bytes) -> gated(false, () -> disk.write(ZEROES.asSlice(0, bytes), at)));
    }
}
