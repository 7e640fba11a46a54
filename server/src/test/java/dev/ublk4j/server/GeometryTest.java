package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.Attr;
import dev.ublk4j.uapi.wire.DeviceParams;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class GeometryTest {
    private static final DeviceInfo INFO = DeviceInfo.request(0, 1, 128, 512 * 1024, 0);

    @Test
    void aSizeThatIsNoMultipleOfTheBlockIsRefused() {
        assertThatThrownBy(() -> Geometry.ofSize(1000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1000")
                .hasMessageContaining("512");
        assertThatThrownBy(() -> Geometry.ofSize(512).withBlockSize(4096))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void blockSizesThatTheDriverCannotDoAreRefused() {
        assertThatThrownBy(() -> Geometry.ofSize(1 << 20).withBlockSize(8192))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Geometry.ofSize(1 << 20).withBlockSize(768))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void abilitiesBecomeTheDriversParameters() {
        Geometry geometry =
                Geometry.ofSize(1 << 20)
                        .withBlockSize(4096)
                        .withForcedUnitAccess()
                        .withDiscard(4096);
        DeviceParams params = Parameters.of(geometry, INFO);
        DeviceParams.Basic basic = Objects.requireNonNull(params.basic());
        DeviceParams.Discard discard = Objects.requireNonNull(params.discard());

        assertThat(basic.logicalBsShift()).isEqualTo(12);
        assertThat(basic.devSectors()).isEqualTo(2048);
        assertThat(basic.maxSectors()).isEqualTo(1024);
        assertThat(basic.attrs()).isEqualTo(Attr.UBLK_ATTR_VOLATILE_CACHE | Attr.UBLK_ATTR_FUA);
        assertThat(discard.discardGranularity()).isEqualTo(4096);
        assertThat(discard.maxDiscardSegments()).isEqualTo(1);
        assertThat(discard.maxWriteZeroesSectors()).isZero();
    }

    @Test
    void limitsOfSegmentsBecomeTheDriversParametersAndOthersStayItsOwn() {
        Geometry plain = Geometry.ofSize(1 << 20);
        assertThat(Parameters.of(plain, INFO).segment()).isNull();

        Geometry limited =
                plain.withMaxSegments(32).withMaxSegmentSize(32768).withSegmentBoundary(4096);
        assertThat(Parameters.of(limited, INFO).segment())
                .isEqualTo(new DeviceParams.Segment(4095, 32768, 32));
        assertThat(Parameters.of(plain.withMaxSegments(7), INFO).segment())
                .isEqualTo(new DeviceParams.Segment(0xFFFF_FFFFL, -1, 7));
        assertThat(Parameters.of(plain.withMaxSegmentSize(8192), INFO).segment())
                .isEqualTo(new DeviceParams.Segment(0xFFFF_FFFFL, 8192, 0xFFFF));
    }

    @Test
    void segmentsThatTheDriverCannotDoAreRefused() {
        Geometry plain = Geometry.ofSize(1 << 20);
        assertThatThrownBy(() -> plain.withMaxSegments(0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> plain.withMaxSegments(65536))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> plain.withMaxSegmentSize(2048))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> plain.withMaxSegmentSize(1L << 32))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> plain.withSegmentBoundary(12288))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> plain.withSegmentBoundary(2048))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void zeroesWithoutDiscardStillNameTheGranularityThatTheDriverWants() {
        DeviceParams params = Parameters.of(Geometry.ofSize(1 << 20).withWriteZeroes(), INFO);
        DeviceParams.Discard discard = Objects.requireNonNull(params.discard());

        assertThat(discard.discardGranularity()).isEqualTo(512);
        assertThat(discard.maxDiscardSectors()).isZero();
        assertThat(discard.maxWriteZeroesSectors()).isPositive();
    }

    @Test
    void eachWitherLeavesTheGeometryItWasCalledOnAlone() {
        Geometry plain = Geometry.ofSize(1 << 20);
        plain.asReadOnly();
        plain.withVolatileCache();

        assertThat(plain.readOnly()).isFalse();
        assertThat(plain.volatileCache()).isFalse();
    }
}
