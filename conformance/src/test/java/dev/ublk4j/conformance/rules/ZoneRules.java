package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.ZoneChange;
import dev.ublk4j.layers.ZoneTable;
import dev.ublk4j.layers.ZonedTarget;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.Zone;
import dev.ublk4j.server.Zone.Condition;
import dev.ublk4j.server.ZoneLimits;
import dev.ublk4j.server.Zoned;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.ParamsLayout;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices with zones ({@code UBLK_F_ZONED}). */
public abstract class ZoneRules extends LaneRules {
    private static final int ZONE = 1 << 20;
    private static final int COUNT = 16;
    private static final long SIZE = (long) COUNT * ZONE;
    private static final int BYTES = 64 << 10;
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().withDepth(8).with(Feature.NO_AUTO_PART_SCAN);

    private final Arena memory = Arena.ofAuto();

    protected ZoneRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    /** A kernel without zoned block devices refuses them all. */
    @BeforeEach
    void theDriverHasZones() {
        Control control = new Control(lane().driver());
        try {
            int id = control.add(zoned().request(-1)).deviceId();
            control.delete(id);
        } catch (LinuxException e) {
            assumeTrue(e.errno() != Errno.EINVAL, "the driver was built without zones");
            throw e;
        }
    }

    private static Shape zoned() {
        return Shape.plain().with(Feature.ZONED, Feature.USER_COPY);
    }

    @Test
    void theyAreForDevicesThatNeedNoBufferAddress() {
        assertThatThrownBy(() -> added(Shape.plain().with(Feature.ZONED)).close())
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }

    private static DeviceParams params(int chunk, int open, int active, int append) {
        return DeviceParams.of(new Basic(0, 9, 12, 12, 9, 1024, chunk, SIZE >> 9, 0))
                .with(new DeviceParams.Zoned(open, active, append));
    }

    static Stream<Arguments> parameters() {
        return Stream.of(
                Arguments.of("zones of 1 MiB", params(2048, 2, 4, 64), 0),
                Arguments.of("any number open", params(2048, 0, 0, 1), 0),
                Arguments.of("all open", params(2048, COUNT, COUNT, 64), 0),
                Arguments.of("zones of no size", params(0, 2, 4, 64), EINVAL),
                Arguments.of("zones that are no power of two", params(3072, 2, 4, 64), EINVAL),
                Arguments.of("no appends", params(2048, 2, 4, 0), EINVAL),
                Arguments.of("more open than there are", params(2048, 17, 0, 64), EINVAL),
                Arguments.of("more active than there are", params(2048, 2, 17, 64), EINVAL),
                Arguments.of("none at all", Shape.plain().params(), EINVAL));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("parameters")
    void theirParametersAreChecked(String what, DeviceParams params, int answer) {
        try (TestDevice device = added(zoned());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8);
            params.write(memory, 0);
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), memory))
                    .as(what)
                    .isEqualTo(answer);
        }
    }

    private static Target target(int conventional, int maxOpen, int maxActive) {
        ZoneLimits limits = new ZoneLimits(ZONE, maxOpen, maxActive);
        return new ZonedTarget(
                new MemoryTarget(SIZE), ZoneTable.inMemory(SIZE, limits, conventional));
    }

    private Device serve(Target target) {
        return Device.start(lane().driver(), target, OPTIONS);
    }

    /** {@return what the driver says of a zone: its condition, and how much of it is written} */
    private static String zone(ClientDisk disk, int number) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(ZoneLayout.SIZE, 8);
            assertThat(disk.reportZones((long) number * ZONE, one)).isEqualTo(1);
            assertThat(ZoneLayout.start(one, 0) << 9).isEqualTo((long) number * ZONE);
            int code = ZoneLayout.cond(one, 0);
            long written = (ZoneLayout.wp(one, 0) << 9) - (long) number * ZONE;
            String name =
                    Stream.of(Condition.values())
                            .filter(each -> each.code() == code)
                            .map(Condition::name)
                            .findFirst()
                            .orElse("condition " + code);
            return name + " " + written;
        }
    }

    private ClientArea area(int seed) {
        return lane().area(pattern(pages(memory, BYTES), seed));
    }

    @Test
    void aZoneIsWrittenAtItsWritePointerAndNowhereElse() {
        try (Device device = serve(target(0, 0, 0));
                ClientDisk disk = lane().openDisk(device.id());
                ClientArea data = area(1);
                ClientArea read = area(2)) {
            assertThat(zone(disk, 3)).isEqualTo("EMPTY 0");
            assertThat(disk.pwrite(data.memory(), 3 * ZONE + BYTES)).isEqualTo(EIO);
            // Linux fails the writes that follow, too, until it has been asked for the zone.
            assertThat(zone(disk, 3)).isEqualTo("EMPTY 0");
            assertThat(disk.pwrite(data.memory(), 3 * ZONE)).isEqualTo(BYTES);
            assertThat(zone(disk, 3)).isEqualTo("IMPLICITLY_OPEN " + BYTES);
            assertThat(disk.pwrite(data.memory(), 3 * ZONE)).isEqualTo(EIO);
            assertThat(zone(disk, 3)).isEqualTo("IMPLICITLY_OPEN " + BYTES);
            for (int at = BYTES; at < ZONE; at += BYTES) {
                assertThat(disk.pwrite(data.memory(), 3 * ZONE + at)).isEqualTo(BYTES);
            }
            assertThat(zone(disk, 3)).startsWith("FULL");
            assertThat(disk.pread(read.memory(), 3 * ZONE + BYTES)).isEqualTo(BYTES);
            assertThat(read.memory().mismatch(data.memory())).isEqualTo(-1);
        }
    }

    @Test
    void aDiskThatIsGoneHasNoZonesToChange() {
        try (Device device = serve(target(0, 0, 0));
                ClientDisk disk = lane().openDisk(device.id())) {
            new Control(lane().driver()).stop(device.id());
            assertThat(disk.changeZones(ZoneChange.RESET, 0, ZONE)).isEqualTo(EINVAL);
        }
    }

    @Test
    void zonesAreOpenedClosedFinishedAndReset() {
        try (Device device = serve(target(0, 0, 0));
                ClientDisk disk = lane().openDisk(device.id());
                ClientArea data = area(1)) {
            assertThat(disk.changeZones(ZoneChange.OPEN, ZONE, ZONE)).isZero();
            assertThat(zone(disk, 1)).isEqualTo("EXPLICITLY_OPEN 0");
            assertThat(disk.pwrite(data.memory(), ZONE)).isEqualTo(BYTES);
            assertThat(disk.changeZones(ZoneChange.CLOSE, ZONE, ZONE)).isZero();
            assertThat(zone(disk, 1)).isEqualTo("CLOSED " + BYTES);
            assertThat(disk.changeZones(ZoneChange.FINISH, ZONE, 2 * ZONE)).isZero();
            assertThat(zone(disk, 1)).startsWith("FULL");
            assertThat(zone(disk, 2)).startsWith("FULL");
            assertThat(disk.changeZones(ZoneChange.RESET, ZONE, ZONE)).isZero();
            assertThat(zone(disk, 1)).isEqualTo("EMPTY 0");
            assertThat(disk.changeZones(ZoneChange.RESET, ZONE + BYTES, ZONE)).isEqualTo(EINVAL);
            assertThat(disk.changeZones(ZoneChange.RESET, 0, SIZE)).isZero();
            assertThat(zone(disk, 2)).isEqualTo("EMPTY 0");
            assertThat(disk.pwrite(data.memory(), ZONE)).isEqualTo(BYTES);
        }
    }

    @Test
    void aConventionalZoneHasNoWritePointer() {
        try (Device device = serve(target(2, 0, 0));
                ClientDisk disk = lane().openDisk(device.id());
                ClientArea data = area(1)) {
            assertThat(zone(disk, 1)).startsWith("NO_WRITE_POINTER");
            assertThat(disk.pwrite(data.memory(), ZONE + BYTES)).isEqualTo(BYTES);
            assertThat(disk.changeZones(ZoneChange.RESET, ZONE, ZONE)).isEqualTo(EIO);
            assertThat(disk.pwrite(data.memory(), 2 * ZONE + BYTES)).isEqualTo(EIO);
        }
    }

    @Test
    void aZoneThatMayNotBeOpenedIsToldWithTheErrnoOfTheTarget() {
        try (Device device = serve(target(0, 1, 2));
                ClientDisk disk = lane().openDisk(device.id());
                ClientArea data = area(1)) {
            assertThat(disk.changeZones(ZoneChange.OPEN, 0, ZONE)).isZero();
            assertThat(disk.changeZones(ZoneChange.OPEN, ZONE, ZONE))
                    .isEqualTo(Errno.ETOOMANYREFS.negated());
            assertThat(disk.pwrite(data.memory(), 0)).isEqualTo(BYTES);
            assertThat(disk.changeZones(ZoneChange.CLOSE, 0, ZONE)).isZero();
            assertThat(disk.pwrite(data.memory(), ZONE)).isEqualTo(BYTES);
            assertThat(disk.changeZones(ZoneChange.OPEN, 2 * ZONE, ZONE))
                    .isEqualTo(Errno.EOVERFLOW.negated());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"user-copy", "user-copy,batch"})
    void manyZonesAreReportedInManyRequests(String mode) {
        assumeTrue(
                !mode.endsWith("batch") || !new Control(lane().driver()).lacks(Feature.BATCH_IO),
                "no BATCH_IO");
        int zone = 4096;
        long size = 3000L * zone;
        Target target =
                new ZonedTarget(
                        new MemoryTarget(size),
                        ZoneTable.inMemory(size, new ZoneLimits(zone, 0, 0), 0));
        DeviceOptions options = OPTIONS.withMaxIo(8192).with(Mode.parse(mode));
        try (Device device = Device.start(lane().driver(), target, options);
                ClientDisk disk = lane().openDisk(device.id());
                Arena arena = Arena.ofConfined()) {
            MemorySegment zones = arena.allocate(100 * ZoneLayout.SIZE, 8);
            assertThat(disk.reportZones(2950L * zone, zones)).isEqualTo(50);
            assertThat(ZoneLayout.start(zones, 49 * ZoneLayout.SIZE)).isEqualTo(2999L * zone >> 9);
        }
    }

    /** What is wrong with one zone. */
    private enum Lie {
        PLACE {
            @Override
            Zone of(long start) {
                return new Zone(start + ZONE, ZONE, ZONE, false, Condition.EMPTY, start + ZONE);
            }
        },
        LARGER_CAPACITY {
            @Override
            Zone of(long start) {
                return new Zone(start, ZONE, 2 * ZONE, false, Condition.EMPTY, start);
            }
        },
        OTHER_CAPACITY {
            @Override
            Zone of(long start) {
                return new Zone(start, ZONE, ZONE / 2, false, Condition.EMPTY, start);
            }
        },
        CAPACITY_OF_A_CONVENTIONAL_ZONE {
            @Override
            Zone of(long start) {
                return new Zone(
                        start, ZONE, ZONE / 2, true, Condition.NO_WRITE_POINTER, start + ZONE);
            }
        };

        abstract Zone of(long start);
    }

    /** Says of one zone what cannot be. */
    private static final class Liar extends ForwardingTarget implements Zoned {
        private final Lie lie;

        Liar(Target target, Lie lie) {
            super(target);
            this.lie = lie;
        }

        @Override
        public Zone zone(int number) {
            long start = (long) number * ZONE;
            return number == 7
                    ? lie.of(start)
                    : new Zone(start, ZONE, ZONE, false, Condition.EMPTY, start);
        }
    }

    @ParameterizedTest
    @EnumSource(Lie.class)
    void aDeviceDoesNotStartWithAZoneThatCannotBe(Lie lie) {
        assertThatThrownBy(() -> serve(new Liar(target(0, 0, 0), lie)).close())
                .isInstanceOf(LinuxException.class);
    }

    @Test
    void aZoneIsWrittenUpToItsCapacity() {
        Target target =
                new ZonedTarget(
                        new MemoryTarget(SIZE),
                        ZoneTable.inMemory(SIZE, new ZoneLimits(ZONE, BYTES, 0, 0), 0));
        try (Device device = serve(target);
                ClientDisk disk = lane().openDisk(device.id());
                Arena arena = Arena.ofConfined();
                ClientArea data = area(1)) {
            MemorySegment one = arena.allocate(ZoneLayout.SIZE, 8);
            assertThat(disk.reportZones(2 * ZONE, one)).isEqualTo(1);
            assertThat(ZoneLayout.capacity(one, 0)).isEqualTo(BYTES >> 9);
            assertThat(disk.pwrite(data.memory(), 2 * ZONE)).isEqualTo(BYTES);
            assertThat(zone(disk, 2)).startsWith("FULL");
            assertThat(disk.pwrite(data.memory(), 2 * ZONE + BYTES)).isEqualTo(EIO);
        }
    }

    @Test
    void theNextServerFindsTheZonesThatTheFormerOneLeft(@TempDir Path folder) throws IOException {
        assumeTrue(!new Control(lane().driver()).lacks(Feature.QUIESCE), "no QUIESCE");
        Path table = folder.resolve("zones");
        MemoryTarget disks = new MemoryTarget(SIZE);
        DeviceOptions options = OPTIONS.with(Recovery.WAIT);
        int id;
        try (ClientArea data = area(1)) {
            Device first = Device.start(lane().driver(), over(disks, table), options);
            id = first.id();
            try (ClientDisk disk = lane().openDisk(id)) {
                assertThat(disk.pwrite(data.memory(), 5 * ZONE)).isEqualTo(BYTES);
                assertThat(disk.changeZones(ZoneChange.FINISH, 6 * ZONE, ZONE)).isZero();
            }
            first.quiesce(Duration.ofSeconds(60));
            first.close();
            try (Device next =
                            Device.recover(
                                    lane().driver(), id, over(disks, table), Inheritance.none());
                    ClientDisk disk = lane().openDisk(id)) {
                assertThat(next.isLeft()).isFalse();
                assertThat(zone(disk, 5)).isEqualTo("IMPLICITLY_OPEN " + BYTES);
                assertThat(zone(disk, 6)).startsWith("FULL");
                assertThat(disk.pwrite(data.memory(), 5 * ZONE)).isEqualTo(EIO);
                assertThat(zone(disk, 5)).isEqualTo("IMPLICITLY_OPEN " + BYTES);
                assertThat(disk.pwrite(data.memory(), 5 * ZONE + BYTES)).isEqualTo(BYTES);
            }
        }
    }

    /** Stays open for the next server. */
    private static final class Kept extends ForwardingTarget {
        Kept(Target target) {
            super(target);
        }

        @Override
        public void close() {
            // Its memory goes when nobody needs it any more.
        }
    }

    private static Target over(MemoryTarget disk, Path table) throws IOException {
        return new ZonedTarget(
                new Kept(disk), ZoneTable.inFile(table, SIZE, new ZoneLimits(ZONE, 0, 0), 0));
    }
}
