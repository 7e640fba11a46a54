package dev.ublk4j.conformance.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.DeviceParams.Basic;
import dev.ublk4j.uapi.wire.DeviceParams.Devt;
import dev.ublk4j.uapi.wire.DeviceParams.Discard;
import dev.ublk4j.uapi.wire.DeviceParams.DmaAlign;
import dev.ublk4j.uapi.wire.DeviceParams.Segment;
import dev.ublk4j.uapi.wire.DeviceParams.Zoned;
import dev.ublk4j.uapi.wire.ParamBasicLayout;
import dev.ublk4j.uapi.wire.ParamType;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code SET_PARAMS} takes and what {@code GET_PARAMS} answers. */
public abstract class ParameterRules extends LaneRules {
    private static final int MAX_SECTORS = (512 << 10) >> 9;

    protected ParameterRules(Supplier<? extends Lane> lanes) {
        super(lanes);
    }

    private int set(TestDevice device, DeviceParams params) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8);
            params.write(memory, 0);
            return raw().send(ControlCommand.SET_PARAMS, device.id(), memory);
        }
    }

    private static DeviceParams basic(
            int logical, int physical, int optimal, int minimum, int maxSectors) {
        return DeviceParams.of(
                new Basic(0, logical, physical, optimal, minimum, maxSectors, 0, 2048, 0));
    }

    static Stream<Arguments> invalid() {
        DeviceParams good = basic(9, 12, 12, 9, MAX_SECTORS);
        return Stream.of(
                Arguments.of("a logical block of 256 bytes", basic(8, 12, 12, 9, MAX_SECTORS)),
                Arguments.of("a logical block of 8 KiB", basic(13, 13, 13, 13, MAX_SECTORS)),
                Arguments.of("a physical block below the logical", basic(12, 9, 12, 12, 8)),
                Arguments.of("a physical block of 512 MiB", basic(9, 29, 12, 9, MAX_SECTORS)),
                Arguments.of("a smallest good I/O of 512 MiB", basic(9, 12, 12, 29, MAX_SECTORS)),
                Arguments.of("a best I/O of 512 MiB", basic(9, 12, 29, 9, MAX_SECTORS)),
                Arguments.of("requests above the buffers", basic(9, 12, 12, 9, MAX_SECTORS + 1)),
                Arguments.of("requests below a page", basic(9, 12, 12, 9, 7)),
                Arguments.of(
                        "no basic part",
                        new DeviceParams(
                                null, new Discard(0, 4096, 8, 8, 1), null, null, null, null, null)),
                Arguments.of("discards of two segments", good.with(new Discard(0, 4096, 8, 8, 2))),
                Arguments.of(
                        "discards without a granularity", good.with(new Discard(0, 0, 8, 8, 1))),
                Arguments.of("device numbers", good.with(new Devt(1, 2, 3, 4))),
                Arguments.of("alignment of a page", good.with(new DmaAlign(4096))),
                Arguments.of("alignment that is no mask", good.with(new DmaAlign(510))),
                Arguments.of(
                        "a boundary that is no mask", good.with(new Segment(0x1ffe, 65536, 8))),
                Arguments.of("a boundary below a page", good.with(new Segment(0x7ff, 65536, 8))),
                Arguments.of("segments below a page", good.with(new Segment(0xffff, 2048, 8))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("invalid")
    void isInvalidAndLeavesNoParametersBehind(String what, DeviceParams params) {
        try (TestDevice device = added(Shape.plain())) {
            device.control().setParams(device.id(), Shape.plain().params());
            assertThat(set(device, params)).as(what).isEqualTo(EINVAL);
            DeviceParams left = device.control().params(device.id());
            assertThat(left.types()).isEqualTo(ParamType.UBLK_PARAM_TYPE_DEVT);
        }
    }

    static Stream<Arguments> valid() {
        DeviceParams good = basic(9, 12, 12, 9, MAX_SECTORS);
        return Stream.of(
                Arguments.of("requests of a page", basic(9, 12, 12, 9, 8)),
                Arguments.of("blocks of a page", basic(12, 12, 12, 12, MAX_SECTORS)),
                Arguments.of("a physical block of 256 MiB", basic(9, 28, 28, 28, MAX_SECTORS)),
                Arguments.of("zeroes without discards", good.with(new Discard(0, 512, 0, 8, 0))),
                Arguments.of("alignment of a byte", good.with(new DmaAlign(0))),
                Arguments.of("alignment of half a page", good.with(new DmaAlign(2047))),
                Arguments.of("segments of a page", good.with(new Segment(0xfff, 4096, 1))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("valid")
    void isTakenAndReadBack(String what, DeviceParams params) {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(set(device, params)).as(what).isZero();
            DeviceParams read = device.control().params(device.id());
            DeviceParams withNumbers = params.with(Objects.requireNonNull(read.devt()));
            assertThat(read).isEqualTo(withNumbers);
        }
    }

    /** A driver that was built without zones says that it does not support them. */
    @Test
    void zonesAreInvalidForADeviceWithoutThem() {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(set(device, Shape.plain().params().with(new Zoned(1, 1, 8))))
                    .isIn(EINVAL, EOPNOTSUPP);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 8})
    void aLengthThatHoldsNoMoreThanTheHeaderIsInvalid(int length) {
        try (TestDevice device = added(Shape.plain())) {
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), length, RawControl.WILD))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_PARAMS, device.id(), length, RawControl.WILD))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void noAddressIsInvalidAndAWildOneIsAFault() {
        try (TestDevice device = added(Shape.plain())) {
            for (ControlCommand command :
                    new ControlCommand[] {ControlCommand.SET_PARAMS, ControlCommand.GET_PARAMS}) {
                assertThat(raw().send(command, device.id(), ParamsLayout.SIZE, 0))
                        .isEqualTo(EINVAL);
                assertThat(raw().send(command, device.id(), ParamsLayout.SIZE, RawControl.WILD))
                        .isEqualTo(EFAULT);
            }
        }
    }

    @Test
    void aStructureLongerThanItsPayloadIsInvalid() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8);
            Shape.plain().params().write(memory, 0);
            ParamsLayout.len(memory, 0, ParamsLayout.SIZE + 1);
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), memory))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_PARAMS, device.id(), memory))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aStructureOfNoLengthIsInvalid() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8);
            Shape.plain().params().write(memory, 0);
            ParamsLayout.len(memory, 0, 0);
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), memory))
                    .isEqualTo(EINVAL);
            assertThat(raw().send(ControlCommand.GET_PARAMS, device.id(), memory))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aStructureWithoutPartsIsInvalid() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8);
            Shape.plain().params().write(memory, 0);
            ParamsLayout.types(memory, 0, 0);
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), memory))
                    .isEqualTo(EINVAL);
        }
    }

    @Test
    void aStructureOfAnOlderServerIsTaken() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.DISCARD, 8);
            Basic basic = Shape.basic(0);
            MemorySegment whole = arena.allocate(ParamsLayout.SIZE, 8);
            DeviceParams.of(basic).write(whole, 0);
            MemorySegment.copy(whole, 0, memory, 0, ParamsLayout.DISCARD);
            memory.set(ValueLayout.JAVA_INT, 0, ParamsLayout.DISCARD);
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), memory)).isZero();
            assertThat(device.control().params(device.id()).basic()).isEqualTo(basic);
        }
    }

    @Test
    void aStructureOfANewerServerIsTakenAsFarAsItIsKnown() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE + 64, 8);
            Shape.plain().params().write(memory, 0);
            ParamsLayout.len(memory, 0, ParamsLayout.SIZE + 64);
            ParamsLayout.types(memory, 0, ParamsLayout.types(memory, 0) | 1 << 30);
            assertThat(raw().send(ControlCommand.SET_PARAMS, device.id(), memory)).isZero();
            assertThat(device.control().params(device.id()).types() & 1 << 30).isZero();
        }
    }

    @Test
    void noMoreIsAnsweredThanWasAskedFor() {
        try (TestDevice device = added(Shape.plain());
                Arena arena = Arena.ofConfined()) {
            device.control().setParams(device.id(), Shape.plain().params());
            MemorySegment memory = arena.allocate(ParamsLayout.SIZE, 8).fill((byte) 0x5a);
            ParamsLayout.len(memory, 0, 16);
            assertThat(raw().send(ControlCommand.GET_PARAMS, device.id(), memory)).isZero();
            assertThat(ParamBasicLayout.logicalBsShift(memory, ParamsLayout.BASIC)).isEqualTo(9);
            assertThat(memory.asSlice(16).toArray(ValueLayout.JAVA_BYTE)).containsOnly((byte) 0x5a);
        }
    }

    @Test
    void parametersCanBeSetAgainUntilTheDeviceIsStarted() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            assertThat(set(device, basic(12, 12, 12, 12, MAX_SECTORS))).isZero();
            assertThat(set(device, Shape.plain().params())).isZero();
            device.fetchAll();
            device.start();
            assertThat(set(device, Shape.plain().params())).isEqualTo(Errno.EACCES.negated());
        }
    }

    @Test
    void whatIsWrongWithTheHeaderIsToldBeforeThatTheDeviceIsStarted() {
        try (TestDevice device = live(Shape.plain(), Handler.agreeing())) {
            assertThat(
                            raw().send(
                                            ControlCommand.SET_PARAMS,
                                            device.id(),
                                            ParamsLayout.SIZE,
                                            RawControl.WILD))
                    .isEqualTo(EFAULT);
        }
    }

    @Test
    void theNumbersOfAStartedDeviceAreToldBoth() {
        try (TestDevice device = attached(Shape.plain(), Handler.agreeing())) {
            Devt before = Objects.requireNonNull(device.control().params(device.id()).devt());
            assertThat(before.diskMajor()).isZero();
            assertThat(before.diskMinor()).isZero();
            device.fetchAll();
            device.start();
            Devt after = Objects.requireNonNull(device.control().params(device.id()).devt());
            assertThat(after.charMajor()).isEqualTo(before.charMajor());
            assertThat(after.charMinor()).isEqualTo(before.charMinor());
        }
    }
}
