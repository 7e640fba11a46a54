package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceParams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A device is taken over by targets alone that keep what it promised. */
class PromisesTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final DeviceOptions OPTIONS =
            DeviceOptions.defaults().withDepth(8).withMaxIo(65536).with(Recovery.WAIT);
    private static final Geometry PLAIN = Geometry.ofSize(TestDisk.SIZE);

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Control control = new Control(driver);
    private final List<Device> taken = new ArrayList<>();

    @AfterEach
    void close() {
        taken.forEach(Device::close);
        for (int id : driver.deviceIds()) {
            control.delete(id);
        }
        driver.close();
    }

    /** A disk of any geometry that counts its flushes. */
    private static final class Shaped extends TestDisk
            implements SimpleTarget.Discards, SimpleTarget.WritesZeroes {
        @Override
        public int discard(Request request) {
            return 0;
        }

        @Override
        public int writeZeroes(Request request) {
            return 0;
        }

        private final Geometry geometry;
        volatile int flushes;

        Shaped(Geometry geometry) {
            this.geometry = geometry;
        }

        @Override
        public Geometry geometry() {
            return geometry;
        }

        @Override
        public int flush(Request request) {
            flushes++;
            return 0;
        }
    }

    private int leave(Geometry geometry) {
        try (Device device = Device.start(driver, new Shaped(geometry), OPTIONS)) {
            device.quiesce(PATIENCE);
            return device.id();
        }
    }

    private Device recover(int id, Target target) {
        Device device = Device.recover(driver, id, target, Inheritance.none());
        taken.add(device);
        return device;
    }

    static Stream<Arguments> whatCannotBeKept() {
        Geometry cached = PLAIN.withVolatileCache();
        Geometry through = PLAIN.withForcedUnitAccess();
        Geometry discards = PLAIN.withDiscard(4096);
        return Stream.of(
                Arguments.of(PLAIN, PLAIN.withSize(1 << 19), "has 524288 bytes"),
                Arguments.of(PLAIN, PLAIN.withBlockSize(4096), "its blocks have 4096 bytes"),
                Arguments.of(PLAIN, PLAIN.asReadOnly(), "it is read-only"),
                Arguments.of(PLAIN, cached, "is sent no flushes"),
                Arguments.of(PLAIN, through, "is sent no flushes"),
                Arguments.of(through, cached, "FUA"),
                Arguments.of(discards, PLAIN, "discards nothing"),
                Arguments.of(discards, PLAIN.withWriteZeroes(), "discards nothing"),
                Arguments.of(discards, PLAIN.withDiscard(65536), "discards units of 65536 bytes"),
                Arguments.of(PLAIN.withWriteZeroes(), PLAIN, "writes zeroes nothing"),
                Arguments.of(PLAIN, PLAIN.withMaxIo(4096), "takes requests of up to 4096 bytes"),
                Arguments.of(PLAIN, PLAIN.withDmaAlignment(4096), "aligned to 4096 bytes"),
                Arguments.of(PLAIN, PLAIN.withMaxSegments(32), "takes 32 segments"),
                Arguments.of(
                        PLAIN.withMaxSegments(33), PLAIN.withMaxSegments(32), "takes 32 segments"),
                Arguments.of(
                        PLAIN, PLAIN.withMaxSegmentSize(32768), "segments of up to 32768 bytes"),
                Arguments.of(
                        PLAIN.withSegmentBoundary(65536),
                        PLAIN.withSegmentBoundary(4096),
                        "cross no multiple of 4096 bytes"),
                Arguments.of(
                        PLAIN,
                        PLAIN.withPhysicalBlockSize(512),
                        "its physical blocks have 512 bytes"),
                Arguments.of(
                        PLAIN.withPhysicalBlockSize(512),
                        PLAIN,
                        "its physical blocks have 4096 bytes"));
    }

    @ParameterizedTest
    @MethodSource("whatCannotBeKept")
    void aTargetThatCannotKeepAPromiseIsRefusedAndToldWhich(
            Geometry promised, Geometry own, String why) {
        int id = leave(promised);
        Shaped unfit = new Shaped(own);
        assertThatThrownBy(() -> recover(id, unfit))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("device " + id)
                .hasMessageContaining(why)
                .hasMessageNotContaining(";");
        assertThat(unfit.closed).isTrue();
        assertThat(control.info(id).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
        assertThat(recover(id, new Shaped(promised)).id()).isEqualTo(id);
    }

    @Test
    void allThatDoesNotFitIsToldAtOnce() {
        int id = leave(PLAIN.withDiscard(4096).withWriteZeroes());
        assertThatThrownBy(() -> recover(id, new Shaped(PLAIN.asReadOnly().withMaxIo(4096))))
                .hasMessageContaining("it is read-only")
                .hasMessageContaining("takes requests of up to 4096")
                .hasMessageContaining("discards nothing")
                .hasMessageContaining("writes zeroes nothing");
    }

    static Stream<Arguments> whatIsKept() {
        Geometry through = PLAIN.withForcedUnitAccess();
        return Stream.of(
                Arguments.of(PLAIN.withVolatileCache(), PLAIN),
                Arguments.of(PLAIN.withVolatileCache(), through),
                Arguments.of(through, PLAIN),
                Arguments.of(PLAIN.asReadOnly(), through),
                Arguments.of(PLAIN.withBlockSize(4096), PLAIN),
                Arguments.of(PLAIN, PLAIN.withSize(1 << 21)),
                Arguments.of(PLAIN, PLAIN.withDiscard(4096).withWriteZeroes()),
                Arguments.of(PLAIN.withDiscard(65536), PLAIN.withDiscard(4096)),
                Arguments.of(PLAIN, PLAIN.withMaxIo(65536)),
                Arguments.of(PLAIN, PLAIN.withDmaAlignment(1)),
                Arguments.of(PLAIN, PLAIN.asRotational().withOptimalIo(65536)));
    }

    @ParameterizedTest
    @MethodSource("whatIsKept")
    void aTargetThatCanDoMoreIsTaken(Geometry promised, Geometry own) {
        int id = leave(promised);
        DeviceParams before = control.params(id);
        assertThat(recover(id, new Shaped(own)).geometry().size()).isEqualTo(TestDisk.SIZE);
        assertThat(control.params(id)).isEqualTo(before);
    }

    @Test
    void aFlushReachesTheNextTarget() {
        int id = leave(PLAIN.withForcedUnitAccess());
        Shaped next = new Shaped(PLAIN.withVolatileCache().withForcedUnitAccess());
        Device _ = recover(id, next);
        try (Disk disk = driver.openBlock(id)) {
            assertThat(disk.flush()).isZero();
            assertThat(next.flushes).isEqualTo(1);
        }
    }

    @Test
    void aFeatureThatTheServerDoesNotDoIsRefusedBeforeThereIsADevice() {
        for (Feature feature : List.of(Feature.ZONED, Feature.INTEGRITY)) {
            assertThatThrownBy(() -> Device.start(driver, new Shaped(PLAIN), OPTIONS.with(feature)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(feature.name());
        }
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void metadataOfAnotherFormatIsNotTaken() {
        IntegrityFormat format = IntegrityFormat.t10Type1();
        Geometry geometry = PLAIN.withIntegrity(format);
        DeviceInfo info =
                DeviceInfo.request(
                        0, 1, 8, 512 << 10, Feature.UBLK_F_INTEGRITY | Feature.UBLK_F_USER_COPY);
        Promises promises = new Promises(info, Parameters.of(geometry, info));
        assertThat(promises.keptBy(new Shaped(geometry), geometry).integrity()).isEqualTo(format);
        for (IntegrityFormat other :
                List.of(
                        IntegrityFormat.t10Type3(),
                        format.withMetadataSize(16),
                        format.withTagSize(2))) {
            Geometry changed = PLAIN.withIntegrity(other);
            assertThatThrownBy(() -> promises.keptBy(new Shaped(changed), changed))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(
                            "its integrity metadata is not as that of the device, T10-DIF-TYPE1-CRC");
        }
        assertThatThrownBy(() -> promises.keptBy(new Shaped(PLAIN), PLAIN))
                .hasMessageContaining("the target keeps none");
    }

    @Test
    void aDeviceOfAnotherKindOfServerIsNotTaken() {
        int id = leave(PLAIN);
        DeviceInfo left = control.info(id);
        DeviceInfo zoned =
                DeviceInfo.request(
                        id,
                        left.queues(),
                        left.queueDepth(),
                        left.maxIoBufBytes(),
                        left.flags() | Feature.UBLK_F_ZONED);
        assertThatThrownBy(() ->
                        new Promises(zoned, Parameters.of(PLAIN, left))
                                .keptBy(new Shaped(PLAIN), PLAIN))
                .hasMessageContaining("ZONED");
    }
}
