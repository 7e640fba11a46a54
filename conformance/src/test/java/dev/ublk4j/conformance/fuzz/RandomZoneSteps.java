package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.fuzz.RequestSteps.Part;
import dev.ublk4j.embedded.ZoneChange;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import java.util.List;
import java.util.Random;

/** Makes up steps for devices with {@link Zones}, mostly at the write pointers. */
final class RandomZoneSteps {
    private static final int SECTOR = 512;
    private static final int BLOCKS = 24;

    private final Random random;
    private final boolean appends;

    private RandomZoneSteps(Random random, boolean appends) {
        this.random = random;
        this.appends = appends;
    }

    /** {@return a step of any kind} */
    static Step any(Random random) {
        return new RandomZoneSteps(random, true).any();
    }

    /** {@return a step that Linux has a system call for, which zone appends have not} */
    static Step anyWithoutAppends(Random random) {
        return new RandomZoneSteps(random, false).any();
    }

    private Step any() {
        int device = random.nextInt(4) == 0 ? 1 : 0;
        int choice = random.nextInt(100);
        if (choice < 12) {
            return up(device);
        } else if (choice < 24) {
            return life(device);
        } else if (choice < 32) {
            return new ZoneSteps.Report(
                    device, pick(0, 0, random.nextInt(Zones.COUNT), Zones.COUNT), 1 + zone());
        } else if (choice < 48) {
            return change(device);
        } else if (choice < 56 && appends) {
            int bytes = (1 + random.nextInt(BLOCKS)) * pick(SECTOR, World.PAGE, World.PAGE);
            return new ZoneSteps.Append(device, zone(), bytes, (byte) random.nextInt());
        } else if (choice < 60) {
            long page = random.nextInt(World.PAGES) * (long) World.PAGE;
            return new RequestSteps.Fill(page, World.PAGE, random.nextInt(256));
        } else if (choice < 84) {
            return new ZoneSteps.Write(device, zone(), shift(), part(), random.nextInt(4) == 0);
        }
        return request(device);
    }

    private Step up(int device) {
        return new RandomDevices.Up(
                LifeSteps.Add.plain(device, info(device)),
                ControlSteps.SetParams.plain(device, params()),
                new LifeSteps.Serve(device, ControlCommand.START_DEV),
                new LifeSteps.OpenDisk(device));
    }

    private DeviceInfo info(int id) {
        long recovery =
                pick(
                        0L,
                        Feature.UBLK_F_USER_RECOVERY,
                        Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_QUIESCE,
                        Feature.UBLK_F_USER_RECOVERY
                                | Feature.UBLK_F_USER_RECOVERY_REISSUE
                                | Feature.UBLK_F_QUIESCE,
                        Feature.UBLK_F_USER_RECOVERY | Feature.UBLK_F_USER_RECOVERY_FAIL_IO);
        return new DeviceInfo(
                pick(1, 1, 2),
                pick(4, 16, 64),
                0,
                0,
                pick(16 << 10, 64 << 10, 512 << 10),
                id,
                0,
                Feature.UBLK_F_NO_AUTO_PART_SCAN
                        | Feature.UBLK_F_ZONED
                        | Feature.UBLK_F_USER_COPY
                        | pick(0L, 0L, Feature.UBLK_F_BATCH_IO)
                        | recovery,
                0,
                0,
                0);
    }

    /** Parameters of which one may be refused, once in a while. */
    private DeviceParams params() {
        int attributes = pick(0, Attr.UBLK_ATTR_VOLATILE_CACHE, Attr.UBLK_ATTR_FUA);
        boolean weird = random.nextInt(8) == 0;
        int chunk = weird ? pick(0, 1, Zones.SECTORS) : Zones.SECTORS;
        long sectors = World.DISK_BYTES >> 9;
        return DeviceParams.of(
                        new Basic(attributes, 9, 12, 12, 9, pick(16, 64, 128), chunk, sectors, 0))
                .with(new DmaAlign(511))
                .with(
                        new DeviceParams.Zoned(
                                weird ? pick(0, Zones.COUNT + 1) : pick(0, 2),
                                weird ? pick(0, -1) : pick(0, 4),
                                weird ? pick(0, 8) : pick(8, 64, 128, 256)));
    }

    private Step life(int device) {
        return switch (random.nextInt(12)) {
            case 0, 1 -> new LifeSteps.Detach(device);
            case 2, 3, 4 -> new LifeSteps.Serve(device, ControlCommand.END_USER_RECOVERY);
            case 5 -> new LifeSteps.Stop(device, ControlCommand.STOP_DEV);
            case 6 -> new LifeSteps.Quiesce(device, pick(0L, 10L));
            case 7, 8, 9 ->
                    new LifeSteps.Delete(
                            device, pick(ControlCommand.DEL_DEV, ControlCommand.DEL_DEV_ASYNC));
            case 10 -> new LifeSteps.OpenDisk(device);
            default -> new LifeSteps.CloseDisk(device);
        };
    }

    private Step change(int device) {
        ZoneChange change = pick(ZoneChange.values());
        return switch (random.nextInt(10)) {
            case 0 -> new ZoneSteps.Change(device, ZoneChange.RESET, 0, World.DISK_BYTES);
            case 1 -> new ZoneSteps.Change(device, change, start() + SECTOR, Zones.SIZE);
            default -> new ZoneSteps.Change(device, change, start(), Zones.SIZE);
        };
    }

    /**
     * A read of anything, a write of anything that is kept or is not at the pointer, or a flush.
     */
    private Step request(int device) {
        int op = pick(IoOp.UBLK_IO_OP_READ, IoOp.UBLK_IO_OP_READ, IoOp.UBLK_IO_OP_FLUSH);
        return new RequestSteps.Request(
                device,
                op,
                random.nextInt(World.DISK_BYTES / World.PAGE) * (long) World.PAGE,
                0,
                op == IoOp.UBLK_IO_OP_FLUSH ? List.of() : List.of(part()),
                false,
                false,
                null);
    }

    private Part part() {
        long length = (1L + random.nextInt(BLOCKS)) * pick(SECTOR, World.PAGE, World.PAGE);
        long page = random.nextInt(World.PAGES - BLOCKS) * (long) World.PAGE;
        return new Part(page, length);
    }

    private long shift() {
        return pick(0, 0, 0, 0, 0, 0, SECTOR, -World.PAGE);
    }

    private int zone() {
        return random.nextInt(4) == 0 ? random.nextInt(Zones.COUNT) : 1 + random.nextInt(2);
    }

    private long start() {
        return (long) zone() * Zones.SIZE;
    }

    @SafeVarargs
    private <T> T pick(T... some) {
        return some[random.nextInt(some.length)];
    }
}
