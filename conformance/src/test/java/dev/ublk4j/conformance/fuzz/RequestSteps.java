package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.QueueLoop;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.fuzz.LifeSteps.OfDevice;
import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.IoCommand;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Requests of an application, answers of the server, and io commands that are nonsense. */
final class RequestSteps {
    private static final byte UNREAD = (byte) 0xa5;

    private RequestSteps() {}

    /**
     * Part of the shared memory.
     *
     * @param offset bytes
     * @param length bytes
     */
    record Part(long offset, long length) {
        private boolean overlaps(Part other) {
            return offset < other.offset + other.length && other.offset < offset + length;
        }

        Piece in(World world) {
            return world.client().piece(offset, length);
        }
    }

    /** Writes a pattern into the shared memory. */
    record Fill(long offset, long length, int seed) implements Step {
        @Override
        public String run(World world) {
            for (long at = offset; at < offset + length; at++) {
                byte value = (byte) (at * 31 + (at >>> 9) * 7 + seed);
                world.server().set(java.lang.foreign.ValueLayout.JAVA_BYTE, at, value);
            }
            return "filled";
        }
    }

    /**
     * One request.
     *
     * @param op {@code UBLK_IO_OP_...}
     * @param length bytes of the disk, for those without data
     * @param flag whether a write is durable, or zeroed space may be given back
     * @param hold whether the server is to keep its answer for later
     * @param brought the integrity metadata that the application brings, null for none
     */
    record Request(
            int device,
            int op,
            long position,
            long length,
            List<Part> parts,
            boolean flag,
            boolean hold,
            Metadata.@Nullable Brought brought)
            implements Step {
        @Override
        public String run(World world) {
            Served some = world.device(device);
            if (some == null || some.disk() == null || some.isBusy()) {
                return "no disk";
            }
            if (op == IoOp.UBLK_IO_OP_WRITE_ZEROES && !some.canWriteZeroes()) {
                // The kernel writes pages of zeroes then, which is not a matter of the driver.
                return "no zeroes";
            }
            List<Piece> pieces = parts.stream().map(part -> part.in(world)).toList();
            if (brought == null && some.metadata().isMadeUp()) {
                return "metadata would be made up";
            }
            Io io = io(pieces);
            if (brought != null && hasData()) {
                io = some.metadata().bring(io, brought);
            }
            if (op == IoOp.UBLK_IO_OP_READ) {
                pieces.forEach(piece -> piece.memory().fill(UNREAD));
            }
            return submit(some, some.disk(), io, pieces);
        }

        private String submit(Served some, ClientDisk disk, Io io, List<Piece> pieces) {
            List<QueueLoop> queues = some.queues();
            queues.forEach(QueueLoop::forget);
            boolean isSmall = io.length() <= World.PAGE;
            if (some.keepsRequests()) {
                if (!isSmall || !hasData()) {
                    return "not while requests are kept";
                }
                some.keep(disk, io);
                return "kept";
            }
            if (hold && isSmall && some.isFetched()) {
                return some.hold(disk, io) + seen(queues) + some.metadata().copied();
            }
            long done = disk.run(io);
            return done
                    + data(pieces, done)
                    + Metadata.read(io, done)
                    + seen(queues)
                    + some.metadata().copied();
        }

        private boolean hasData() {
            return op == IoOp.UBLK_IO_OP_READ || op == IoOp.UBLK_IO_OP_WRITE;
        }

        private Io io(List<Piece> pieces) {
            Piece[] all = pieces.toArray(Piece[]::new);
            return switch (op) {
                case IoOp.UBLK_IO_OP_READ -> Io.read(position, all);
                case IoOp.UBLK_IO_OP_WRITE ->
                        flag ? Io.durableWrite(position, all) : Io.write(position, all);
                case IoOp.UBLK_IO_OP_FLUSH -> Io.flush();
                case IoOp.UBLK_IO_OP_DISCARD -> Io.discard(position, length);
                default -> Io.writeZeroes(position, length, flag);
            };
        }

        /** {@return a sum of what was read, where it is one and the same in whatever order} */
        private String data(List<Piece> pieces, long done) {
            if (op != IoOp.UBLK_IO_OP_READ || done <= 0 || overlaps()) {
                return "";
            }
            CRC32 sum = new CRC32();
            long left = done;
            for (Piece piece : pieces) {
                long bytes = Math.min(left, piece.length());
                sum.update(piece.memory().asSlice(0, bytes).asByteBuffer());
                left -= bytes;
            }
            return " %08x".formatted(sum.getValue());
        }

        private boolean overlaps() {
            for (int i = 0; i < parts.size(); i++) {
                for (int j = 0; j < i; j++) {
                    if (parts.get(i).overlaps(parts.get(j))) {
                        return true;
                    }
                }
            }
            return false;
        }
    }

    /**
     * {@return what the server was asked for} Flushes count once: a durable write of several
     * requests, to a disk with a cache and without FUA, is followed by as many as the block layer
     * finds due, and how many pieces one of them covers depends on which had ended by then.
     */
    static String seen(List<QueueLoop> queues) {
        List<Seen> all = new ArrayList<>();
        queues.forEach(queue -> all.addAll(queue.seen()));
        all.sort(Comparator.comparingLong(Seen::sector).thenComparingInt(Seen::op));
        StringBuilder line = new StringBuilder();
        boolean flushed = false;
        for (Seen seen : all) {
            boolean isFlush = seen.op() == IoOp.UBLK_IO_OP_FLUSH;
            if (!isFlush || !flushed) {
                line.append(", ").append(seen.compared());
            }
            flushed |= isFlush;
        }
        return line.toString();
    }

    /** The server answers the request that it holds. */
    record Answer(int device, int result) implements OfDevice {
        @Override
        public String run(Served some) {
            return "answered" + some.answerHeld(result);
        }
    }

    /**
     * An io command that is refused whatever the device is at: it names a queue or a tag that is
     * not there, or is none.
     */
    record IoCommandStep(int device, int op, int queue, int tag, int result, boolean address)
            implements OfDevice {
        @Override
        public String run(Served some) {
            if (!some.isAttached()) {
                return "not attached";
            }
            // The driver tells them apart by their number.
            int number = op & 0xff;
            boolean mayWait =
                    number == IoCommand.UBLK_IO_FETCH_REQ && !some.isFetched()
                            || number == IoCommand.UBLK_IO_COMMIT_AND_FETCH_REQ && some.isBusy();
            if (mayWait) {
                return "would wait";
            }
            QueueLoop loop = some.device().queue(some.queueNumber(0));
            long buffer = address ? loop.address(0) : 0;
            CompletableFuture<Integer> answer =
                    loop.send(op, some.queueNumber(queue), some.tagNumber(tag), result, buffer);
            Pause.until("an answer to " + this, answer::isDone);
            return "" + answer.join();
        }
    }
}
