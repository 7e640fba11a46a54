package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.Devt;
import dev.ublk4j.uapi.wire.DeviceParams.Discard;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import dev.ublk4j.uapi.wire.DeviceParams.Integrity;
import dev.ublk4j.uapi.wire.DeviceParams.Segment;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import java.util.Random;

/** Makes up devices: what they are asked to be, and their parameters. */
final class RandomDevices {
    private static final int SECTORS = World.DISK_BYTES >> 9;

    /** Nobody is to look for partitions: those are requests that no step has made. */
    private static final long ALWAYS =
            Feature.UBLK_F_NO_AUTO_PART_SCAN | Feature.UBLK_F_UPDATE_SIZE;

    private static final long RECOVERY = Feature.UBLK_F_USER_RECOVERY;

    private final Random random;
    private final boolean metadata;

    /**
     * Makes some up.
     *
     * @param metadata whether most of them have integrity metadata; else none has
     */
    RandomDevices(Random random, boolean metadata) {
        this.random = random;
        this.metadata = metadata;
    }

    /** A device from ADD_DEV to an open disk, or as much of it as is not there yet. */
    record Up(Step add, Step params, Step serve, Step open) implements Step {
        @Override
        public String run(World world) {
            return "%s, %s, %s, %s"
                    .formatted(
                            world.run(add), world.run(params), world.run(serve), world.run(open));
        }
    }

    /** {@return a sane device that is brought up} */
    Step up(int device) {
        return new Up(
                LifeSteps.Add.plain(device, request(device)),
                ControlSteps.SetParams.plain(device, params()),
                new LifeSteps.Serve(device, ControlCommand.START_DEV),
                new LifeSteps.OpenDisk(device));
    }

    /** {@return ADD_DEV as a server may send it that is not sane} */
    Step add(int device) {
        DeviceInfo sane = request(device);
        return switch (random.nextInt(6)) {
            case 0 -> LifeSteps.Add.plain(device, sane);
            case 1 -> LifeSteps.Add.plain(-1, request(-1));
            case 2 -> LifeSteps.Add.plain(pick(1 << 20, -2, Integer.MAX_VALUE), sane);
            case 3 ->
                    new LifeSteps.Add(
                            device,
                            pick(ControlCommandLayout.NO_QUEUE, 0, 1),
                            sane,
                            pick(DeviceInfoLayout.SIZE, 63, 0, 128),
                            pick(Place.values()));
            case 4 ->
                    LifeSteps.Add.plain(
                            device,
                            new DeviceInfo(
                                    pick(1, 0, 4097, 65_535, 4096),
                                    pick(4, 0, 4097, 65_535),
                                    9,
                                    pick(0, 24, 25, 257),
                                    pick(1 << 16, 4095, 0, -1, 5000),
                                    device,
                                    77,
                                    sane.flags(),
                                    random.nextLong(),
                                    7,
                                    7));
            default ->
                    LifeSteps.Add.plain(device, withFlags(sane, sane.flags() | strangeFeatures()));
        };
    }

    /** Only features that make no difference to what a server does. */
    private long strangeFeatures() {
        return pick(
                1L << 62,
                Feature.UBLK_F_USER_RECOVERY_REISSUE,
                Feature.UBLK_F_USER_RECOVERY_FAIL_IO,
                Feature.UBLK_F_QUIESCE,
                Feature.UBLK_F_UNPRIVILEGED_DEV,
                metadata ? Feature.UBLK_F_INTEGRITY : Feature.UBLK_F_QUIESCE,
                Feature.UBLK_F_IO_DESC_SIZE);
    }

    private static DeviceInfo withFlags(DeviceInfo info, long flags) {
        return new DeviceInfo(
                info.queues(),
                info.queueDepth(),
                info.state(),
                info.ioDescSize(),
                info.maxIoBufBytes(),
                info.deviceId(),
                info.serverPid(),
                flags,
                info.serverFlags(),
                0,
                0);
    }

    private DeviceInfo request(int id) {
        long features =
                ALWAYS
                        | pick(
                                0L,
                                RECOVERY,
                                RECOVERY | Feature.UBLK_F_QUIESCE,
                                RECOVERY | Feature.UBLK_F_QUIESCE,
                                RECOVERY | Feature.UBLK_F_USER_RECOVERY_REISSUE,
                                RECOVERY
                                        | Feature.UBLK_F_USER_RECOVERY_REISSUE
                                        | Feature.UBLK_F_QUIESCE,
                                RECOVERY | Feature.UBLK_F_USER_RECOVERY_FAIL_IO);
        if (random.nextInt(8) != 0) {
            features |= Feature.UBLK_F_SHMEM_ZC;
        }
        features |= mode();
        boolean wide = random.nextInt(6) == 0;
        if (wide) {
            features |= Feature.UBLK_F_IO_DESC_SIZE;
        }
        return new DeviceInfo(
                pick(1, 1, 2),
                pick(4, 16, 64),
                0,
                wide ? pick(32, 64, 256) : 0,
                pick(64 << 10, 256 << 10, 512 << 10, 100_000),
                id,
                0,
                features,
                0,
                0,
                0);
    }

    /** Half of all devices are copied to and from, each tag by a command of its own. */
    private long mode() {
        if (metadata) {
            return Feature.UBLK_F_USER_COPY
                    | pick(0L, 0L, Feature.UBLK_F_BATCH_IO)
                    | (random.nextInt(10) == 0 ? 0 : Feature.UBLK_F_INTEGRITY);
        }
        return pick(
                0L,
                0L,
                0L,
                0L,
                Feature.UBLK_F_USER_COPY,
                Feature.UBLK_F_NEED_GET_DATA,
                Feature.UBLK_F_BATCH_IO,
                Feature.UBLK_F_BATCH_IO | Feature.UBLK_F_USER_COPY);
    }

    private DeviceParams params() {
        int logical = random.nextInt(4) == 0 ? 12 : 9;
        int physical = Math.max(logical, 9 + random.nextInt(5));
        Basic basic =
                new Basic(
                        attributes(),
                        logical,
                        physical,
                        physical,
                        logical,
                        8 << random.nextInt(5),
                        pick(0, 0, 0, 16, 64),
                        pick(SECTORS, SECTORS, SECTORS - 8, 1024),
                        pick(0L, 0L, 0L, 4095L));
        DeviceParams params = DeviceParams.of(basic).with(new DmaAlign(pick(511, 511, 3, 0)));
        if (random.nextInt(5) != 0) {
            params =
                    params.with(
                            new Discard(0, pick(4096, 4096, 512, 65_536), pick(256, 4096), 256, 1));
        }
        if (random.nextInt(6) == 0) {
            params =
                    params.with(
                            pick(
                                    new Segment(0xffff, 65_536, 8),
                                    new Segment(0xfff, 4096, 64),
                                    new Segment(0x1ffff, 8192, 3)));
        }
        if (metadata && random.nextInt(10) != 0) {
            params = params.with(integrity(logical));
        }
        return params;
    }

    /** Few devices have more metadata than a request may have data. */
    private Integrity integrity(int logical) {
        int checksum =
                pick(
                        ParamIntegrityLayout.LBMD_PI_CSUM_NONE,
                        ParamIntegrityLayout.LBMD_PI_CSUM_IP,
                        ParamIntegrityLayout.LBMD_PI_CSUM_CRC16_T10DIF,
                        ParamIntegrityLayout.LBMD_PI_CSUM_CRC64_NVME);
        int tuple = ParamIntegrityLayout.tupleSize(checksum);
        int size = tuple + pick(0, 0, 1, 8, 48);
        if (size == 0 || random.nextInt(10) == 0) {
            size = pick(tuple + 1, 64, 255);
        }
        int flags = pick(0, ParamIntegrityLayout.LBMD_PI_CAP_INTEGRITY);
        if (tuple != 0 && random.nextBoolean()) {
            flags |= ParamIntegrityLayout.LBMD_PI_CAP_REFTAG;
        }
        return new Integrity(
                flags,
                pick(0, 0, 1, 8, 0xffff),
                Sectors.SHIFT + random.nextInt(logical - Sectors.SHIFT + 1),
                size,
                random.nextInt(size - tuple + 1),
                checksum,
                pick(0, 2, 255));
    }

    private Integrity weirdIntegrity() {
        return new Integrity(
                pick(0, 1, 2, 3, 4, -1),
                pick(0, 1),
                pick(9, 9, 9, 8, 0, 10, 12, 13, 255),
                pick(0, 1, 7, 8, 8, 15, 16, 255),
                pick(0, 0, 1, 8, 9, 248, 255),
                pick(0, 1, 2, 3, 4, 5, 255),
                pick(0, 2, 255));
    }

    private int attributes() {
        int attributes = 0;
        if (random.nextBoolean()) {
            attributes |= Attr.UBLK_ATTR_VOLATILE_CACHE;
        }
        if (random.nextInt(3) == 0) {
            attributes |= Attr.UBLK_ATTR_FUA;
        }
        if (random.nextInt(12) == 0) {
            attributes |= Attr.UBLK_ATTR_READ_ONLY;
        }
        return attributes;
    }

    /** {@return SET_PARAMS with one thing or two that may be wrong} */
    Step weirdParams(int device) {
        DeviceParams params =
                switch (random.nextInt(metadata ? 9 : 6)) {
                    case 0 -> params();
                    case 6, 7, 8 -> params().with(weirdIntegrity());
                    case 1 -> params().with(weirdBasic());
                    case 2 ->
                            params().with(
                                            new Discard(
                                                    pick(0, 512, -1),
                                                    pick(0, 1, 512, 4096),
                                                    pick(0, 8, -1),
                                                    pick(0, 8, -1),
                                                    pick(0, 1, 2, -1)));
                    case 3 -> params().with(new DmaAlign(pick(4095, 4096, 510, -1, 1)));
                    case 4 ->
                            params().with(
                                            new Segment(
                                                    pick(0L, 4094L, 4095L, 511L, -1L),
                                                    pick(0, 4095, 4096, -1),
                                                    pick(0, 1, -1)));
                    default ->
                            random.nextBoolean()
                                    ? params().with(new Devt(1, 2, 3, 4))
                                    : new DeviceParams(
                                            null, null, null, null, new DmaAlign(3), null, null);
                };
        return new ControlSteps.SetParams(
                device,
                params,
                pick(0, 0, 0, 1 << 30, 1),
                pick(152, 152, 152, 40, 8, 0, 153, 160, 41),
                pick(152, 152, 152, 160, 8, 40),
                random.nextInt(4) == 0 ? pick(Place.values()) : Place.THERE);
    }

    private Basic weirdBasic() {
        return new Basic(
                pick(0, -1, 1),
                pick(9, 9, 8, 12, 13, 0),
                pick(12, 9, 28, 29, 255),
                pick(12, 9, 28, 29),
                pick(9, 12, 28, 29),
                pick(8, 7, 0, 128, 1025, -1),
                pick(0, 8, 7, -1),
                pick((long) SECTORS, 1024L, 7L, 0L),
                pick(0L, 4095L, 511L, 4096L, -1L));
    }

    @SafeVarargs
    private <T> T pick(T... some) {
        return some[random.nextInt(some.length)];
    }
}
