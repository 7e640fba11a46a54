package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.fuzz.BufferSteps.Address;
import dev.ublk4j.conformance.fuzz.RequestSteps.Part;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Makes up steps: mostly sane ones, on few devices, so that they meet each other. */
final class RandomSteps {
    private static final int SECTOR = 512;
    private static final int UNKNOWN_NUMBER = 0x1f;

    private final Random random;
    private final boolean metadata;
    private final RandomDevices devices;

    private RandomSteps(Random random, boolean metadata) {
        this.random = random;
        this.metadata = metadata;
        this.devices = new RandomDevices(random, metadata);
    }

    /** {@return a step of any kind, for devices without integrity metadata} */
    static Step any(Random random) {
        return new RandomSteps(random, false).any();
    }

    /** {@return a step of any kind, for devices with integrity metadata} */
    static Step anyOfMetadata(Random random) {
        return new RandomSteps(random, true).any();
    }

    private Step any() {
        if (chance(metadata ? 6 : 30)) {
            return copy();
        }
        int choice = random.nextInt(100);
        if (choice < 12) {
            return devices.up(device());
        } else if (choice < 26) {
            return sometimesImpatient(life());
        } else if (choice < 38) {
            return sometimesImpatient(register());
        } else if (choice < 44) {
            long index = chance(8) ? pick(-1L, 65_536L, 65_535L, 1L << 32) : random.nextInt(6);
            return sometimesImpatient(new BufferSteps.Unregister(device(), index));
        } else if (choice < 48) {
            return new RequestSteps.Answer(device(), answer());
        } else if (choice < 52) {
            return ioCommand();
        } else if (choice < 60) {
            return control();
        } else if (choice < 63) {
            long offset = page(World.PAGES);
            long length = Math.min(8L * World.PAGE, World.PAGES * (long) World.PAGE - offset);
            return new RequestSteps.Fill(offset, length, random.nextInt(256));
        }
        return request();
    }

    private Step sometimesImpatient(Step step) {
        return chance(3) ? new Impatient(step) : step;
    }

    private Step life() {
        int device = device();
        return switch (random.nextInt(14)) {
            case 0 -> devices.add(device);
            case 1 -> new LifeSteps.Attach(device);
            case 2 -> new LifeSteps.Fetch(device);
            case 3, 4 -> new LifeSteps.Detach(device);
            case 5 -> new LifeSteps.Start(device, startCommand(), chance(2), wrongPid());
            case 6 -> new LifeSteps.Serve(device, ControlCommand.START_DEV);
            case 7, 8 -> new LifeSteps.Serve(device, ControlCommand.END_USER_RECOVERY);
            case 9 ->
                    new LifeSteps.Stop(
                            device, pick(ControlCommand.STOP_DEV, ControlCommand.TRY_STOP_DEV));
            case 10 -> new LifeSteps.Quiesce(device, pick(0L, 10L, 100L));
            case 11 ->
                    new LifeSteps.Delete(
                            device, pick(ControlCommand.DEL_DEV, ControlCommand.DEL_DEV_ASYNC));
            case 12 -> new LifeSteps.OpenDisk(device);
            default -> new LifeSteps.CloseDisk(device);
        };
    }

    private ControlCommand startCommand() {
        return pick(ControlCommand.START_DEV, ControlCommand.END_USER_RECOVERY);
    }

    private long wrongPid() {
        return pick(0L, 1L, -1L, 1L << 32, Long.MIN_VALUE);
    }

    private Step control() {
        int device = chance(6) ? pick(-1, 4711, Integer.MIN_VALUE) : device();
        return switch (random.nextInt(9)) {
            case 0 -> new ControlSteps.Features(pick(8, 8, 0, 7, 16), place());
            case 1 -> new ControlSteps.Info(device, "", pick(64, 64, 63, 0, 128), place());
            case 2 ->
                    new ControlSteps.Info(
                            device,
                            pick("/dev/ublkc" + device, "/dev/ublkc0", "/dev/null", "/nowhere"),
                            pick(64, 64, 63, 0, 128),
                            Place.THERE);
            case 3 ->
                    new ControlSteps.Affinity(
                            device,
                            pick(0L, 0L, 1L, 9L, -1L, 1L << 32),
                            pick(1024, 8, 4, 0, 1020),
                            place());
            case 4 ->
                    new ControlSteps.GetParams(
                            device, pick(152, 152, 16, 8, 0, 153), pick(152, 152, 160, 8), place());
            case 5 -> devices.weirdParams(device);
            case 6 -> new ControlSteps.Bare(ControlCommand.START_USER_RECOVERY.op(), device, 0);
            case 7 ->
                    new ControlSteps.Bare(
                            ControlCommand.UPDATE_SIZE.op(),
                            device,
                            pick(0L, 8L, 9L, 1024L, 2048L, 2000L));
            default ->
                    new ControlSteps.Bare(
                            pick(
                                    3 << 30
                                            | ControlCommandLayout.SIZE << 16
                                            | 'u' << 8
                                            | UNKNOWN_NUMBER,
                                    UNKNOWN_NUMBER,
                                    3 << 30 | ControlCommandLayout.SIZE << 16 | 'v' << 8 | 2,
                                    0,
                                    0x18,
                                    0x13),
                            device,
                            random.nextInt(4) - 1);
        };
    }

    private Step register() {
        long offset = page(World.PAGES);
        long length = (1L + random.nextInt(chance(3) ? 40 : 8)) * World.PAGE;
        length = Math.min(length, World.PAGES * (long) World.PAGE - offset);
        boolean weird = chance(5);
        if (!weird) {
            return new BufferSteps.Register(
                    device(),
                    Address.MEMORY,
                    offset,
                    length,
                    chance(4) ? ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY : 0,
                    0,
                    ShmemBufRegLayout.SIZE,
                    Place.THERE);
        }
        return new BufferSteps.Register(
                device(),
                pick(Address.values()),
                offset,
                chance(2) ? length : pick(0L, 512L, length - 1, -4096L, Long.MIN_VALUE, 1L << 33),
                pick(0, 0, 1, 2, -1),
                pick(0, 0, 0, 1),
                pick(24, 24, 23, 16, 12, 8, 0, 32, 4096),
                place());
    }

    private Step ioCommand() {
        int unknown = 3 << 30 | IoCommandLayout.SIZE << 16 | 'u' << 8 | 0x2f;
        return new RequestSteps.IoCommandStep(
                device(),
                pick(
                        IoCommand.UBLK_U_IO_FETCH_REQ,
                        IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ,
                        IoCommand.UBLK_U_IO_NEED_GET_DATA,
                        IoCommand.UBLK_IO_FETCH_REQ,
                        IoCommand.UBLK_IO_COMMIT_AND_FETCH_REQ,
                        unknown,
                        IoCommand.UBLK_U_IO_FETCH_REQ & ~0xff00 | 'v' << 8),
                pick(0, 0, 0, 5, 0xffff),
                pick(0, 0, 1, 3, 4095, 0xffff),
                pick(0, 4096, -5),
                !chance(3));
    }

    private Step copy() {
        boolean weird = chance(4);
        return new CopyStep(
                device(),
                metadata && !chance(4),
                random.nextBoolean(),
                weird ? pick(0, 0, 1, 2, 4095) : 0,
                weird ? pick(0, 1, 3, 4, 64, 4095, 0xffff) : 0,
                pick(0, 0, 1, 8, 40, 63, 64, 65, 511, 512, 2040, 4096, 8192, (1 << 25) - 1),
                pick(0, 1, 7, 8, 64, 64, 100, 512, 4096, 8192),
                chance(20) ? pick(-(1L << 31), -1L, 1L << 53, 1L << 61, Long.MIN_VALUE) : 0,
                !chance(3));
    }

    private Step request() {
        int op =
                switch (random.nextInt(12)) {
                    case 0 -> IoOp.UBLK_IO_OP_FLUSH;
                    case 1 -> IoOp.UBLK_IO_OP_DISCARD;
                    case 2 -> IoOp.UBLK_IO_OP_WRITE_ZEROES;
                    case 3, 4, 5, 6, 7 -> IoOp.UBLK_IO_OP_WRITE;
                    default -> IoOp.UBLK_IO_OP_READ;
                };
        boolean hasData = op == IoOp.UBLK_IO_OP_READ || op == IoOp.UBLK_IO_OP_WRITE;
        long position = random.nextInt(260) * (long) World.PAGE;
        if (chance(4)) {
            position += SECTOR * (1L + random.nextInt(7));
        }
        if (chance(40)) {
            position += 1 + random.nextInt(SECTOR - 1);
        }
        boolean small = chance(3);
        long length = op == IoOp.UBLK_IO_OP_FLUSH ? 0 : blocks(small ? 1 : 16);
        return new RequestSteps.Request(
                device(),
                op,
                position,
                hasData ? 0 : length,
                hasData ? parts(small) : List.of(),
                chance(3),
                small && chance(metadata ? 2 : 3),
                metadata ? brought() : null);
    }

    private Metadata.@Nullable Brought brought() {
        return chance(12)
                ? null
                : new Metadata.Brought(
                        pick(0, 0, 1, 64, 512, World.PAGE - 8),
                        pick(0, 0, 0, 0, 0, 0, 1, 100, -1, -8),
                        random.nextInt(256));
    }

    private long blocks(int most) {
        return (1L + random.nextInt(most)) * (chance(3) ? SECTOR : World.PAGE);
    }

    private List<Part> parts(boolean small) {
        List<Part> parts = new ArrayList<>();
        long end = World.PAGES * (long) World.PAGE;
        int count = small ? 1 : 1 + random.nextInt(4);
        long next = page(World.PAGES);
        if (chance(6)) {
            next += SECTOR * (1L + random.nextInt(7));
        }
        for (int i = 0; i < count; i++) {
            long length = blocks(small ? 1 : 12);
            if (chance(60)) {
                length += 1 + random.nextInt(SECTOR - 1);
            }
            if (next + length > end) {
                next = 0;
            }
            parts.add(new Part(next, length));
            next += length;
            if (chance(4)) {
                next = page(World.PAGES);
            }
        }
        return List.copyOf(parts);
    }

    private int answer() {
        return pick(
                Integer.MAX_VALUE,
                Integer.MAX_VALUE,
                512,
                0,
                5,
                1 << 20,
                Errno.EIO.negated(),
                -5000);
    }

    private int device() {
        int choice = random.nextInt(10);
        return choice < 7 ? 0 : choice < 9 ? 1 : 2;
    }

    private Place place() {
        return chance(4) ? pick(Place.values()) : Place.THERE;
    }

    private long page(int pages) {
        return random.nextInt(pages) * (long) World.PAGE;
    }

    /** {@return true once in so many times} */
    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    @SafeVarargs
    private <T> T pick(T... some) {
        return some[random.nextInt(some.length)];
    }
}
