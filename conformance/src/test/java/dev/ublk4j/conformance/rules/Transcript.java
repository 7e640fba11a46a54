package dev.ublk4j.conformance.rules;

import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.Discard;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * A random sequence of control commands and requests, one after the other, and what a driver made
 * of each: one line for each operation.
 *
 * <p>The same seed makes the same sequence, so two drivers that keep the same rules write the same
 * lines. The first line that differs ends the shortest sequence that shows the difference.
 */
public final class Transcript implements AutoCloseable {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;

    private final Random random;
    private final MemoryBackend backend = new MemoryBackend(Shape.SIZE);
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment payload = arena.allocate(ShmemBufRegLayout.SIZE, 8);
    private final TestDevice device;
    private final Shared shared;
    private final ClientDisk disk;

    private Transcript(Lane lane, long seed) {
        random = new Random(seed);
        device = TestDevice.live(lane, shape(), backend);
        shared = new Shared(lane, (long) PAGES * PAGE);
        disk = device.open();
    }

    /** {@return the lines of one sequence} */
    public static List<String> of(Lane lane, long seed, int operations) {
        List<String> lines = new ArrayList<>();
        try (Transcript transcript = new Transcript(lane, seed)) {
            for (int i = 0; i < operations; i++) {
                lines.add(transcript.step());
            }
        }
        return lines;
    }

    private Shape shape() {
        int logical = random.nextInt(4) == 0 ? 12 : 9;
        int maxSectors = 8 << random.nextInt(6);
        int attributes = random.nextInt(2) * Attr.UBLK_ATTR_VOLATILE_CACHE;
        int physical = Math.max(logical, 9 + random.nextInt(5));
        DeviceParams params =
                DeviceParams.of(
                                new Basic(
                                        attributes,
                                        logical,
                                        physical,
                                        physical,
                                        logical,
                                        maxSectors,
                                        0,
                                        Shape.SIZE >> 9,
                                        0))
                        .with(new Discard(0, 4096, 1 << 12, 1 << 12, 1))
                        .with(new DmaAlign(511));
        return Shape.plain().with(1, 64).with(params).with(Feature.SHMEM_ZC);
    }

    private String step() {
        int choice = random.nextInt(100);
        if (choice < 15) {
            return register();
        } else if (choice < 25) {
            int index = random.nextInt(8) - 1;
            return "unregister %d: %d".formatted(index, send(ControlCommand.UNREG_BUF, index));
        } else if (choice < 28) {
            return resize();
        } else if (choice < 30) {
            return "set parameters: "
                    + device.raw().send(ControlCommand.SET_PARAMS, device.id(), payload);
        } else if (choice < 34) {
            return io("flush", Io.flush());
        } else if (choice < 38) {
            return io("discard", Io.discard(position(), length()));
        } else if (choice < 42) {
            return io("zeroes", Io.writeZeroes(position(), length(), random.nextBoolean()));
        } else if (choice < 72) {
            return io("write", Io.write(position(), pieces()));
        }
        return io("read", Io.read(position(), pieces()));
    }

    private int send(ControlCommand command, long argument) {
        return device.raw().send(command, device.id(), argument);
    }

    private String resize() {
        long sectors = (Shape.SIZE >> 9) - 8L * random.nextInt(4);
        return "resize %d: %d, %d"
                .formatted(sectors, send(ControlCommand.UPDATE_SIZE, sectors), disk.size() >> 9);
    }

    private String register() {
        long offset = (long) random.nextInt(PAGES) * PAGE;
        long length = (1L + random.nextInt(24)) * PAGE;
        if (random.nextInt(8) == 0) {
            length -= 512;
        }
        length = Math.min(length, (long) PAGES * PAGE - offset);
        int flags = random.nextInt(4) == 0 ? 1 : random.nextInt(16) == 0 ? 2 : 0;
        MemorySegment some = shared.server().asSlice(offset, length);
        ShmemBufRegLayout.write(payload, 0, some.address(), length, flags);
        int answer = device.raw().send(ControlCommand.REG_BUF, device.id(), payload);
        if (answer >= 0) {
            device.remember(answer, some);
        }
        return "register %d+%d flags %d: %d".formatted(offset, length, flags, answer);
    }

    private long position() {
        return random.nextInt(Shape.SIZE >> 12) * (long) PAGE + 512L * random.nextInt(2);
    }

    private long length() {
        return (1L + random.nextInt(64)) * 512 * (random.nextInt(3) == 0 ? 1 : 8);
    }

    private Piece[] pieces() {
        List<Piece> pieces = new ArrayList<>();
        int count = 1 + random.nextInt(3);
        long next = random.nextInt(PAGES) * (long) PAGE;
        for (int i = 0; i < count; i++) {
            long length = (1L + random.nextInt(16)) * (random.nextBoolean() ? PAGE : 512);
            long room = (long) PAGES * PAGE - next;
            if (room < length) {
                next = 0;
            }
            pieces.add(shared.client().piece(next, length));
            next += length;
            if (random.nextInt(4) == 0) {
                next = random.nextInt(PAGES) * (long) PAGE;
            }
        }
        return pieces.toArray(Piece[]::new);
    }

    private String io(String name, Io io) {
        device.queue().forget();
        StringBuilder line = new StringBuilder();
        line.append("%s %d+%d".formatted(name, io.position(), io.length()));
        for (Piece piece : io.pieces()) {
            line.append(" [%d+%d]".formatted(piece.offset(), piece.length()));
        }
        line.append(": %d".formatted(disk.run(io)));
        device.queue().seen().stream()
                .sorted(Comparator.comparingLong(Seen::sector).thenComparingInt(Seen::op))
                .forEach(seen -> line.append(", ").append(seen.compared()));
        return line.toString();
    }

    @Override
    public void close() {
        disk.close();
        device.close();
        shared.close();
        arena.close();
    }
}
