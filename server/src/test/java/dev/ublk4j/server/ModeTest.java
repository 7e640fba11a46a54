package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.uapi.Feature;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModeTest {
    private static List<Mode> all() {
        List<Mode> all = new ArrayList<>();
        for (Mode.Data data : Mode.Data.values()) {
            all.add(new Mode(data, false));
            if (data != Mode.Data.GET_DATA) {
                all.add(new Mode(data, true));
            }
        }
        return all;
    }

    @Test
    void aModeIsFoundInTheFeaturesAndInTheTextOfItself() {
        for (Mode mode : all()) {
            assertThat(Mode.of(mode.features() | Feature.UBLK_F_SHMEM_ZC)).isEqualTo(mode);
            assertThat(Mode.parse(mode.toString())).isEqualTo(mode);
        }
    }

    @Test
    void batchesWithGetDataAreRefused() {
        assertThatThrownBy(() -> Mode.parse("get-data,batch"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no driver has get-data in batches");
    }

    @Test
    void aTextThatIsNoModeIsRefusedWithThoseThatThereAre() {
        for (String text : List.of("", "zero", "copy,", "copy,batch,batch", "batch")) {
            assertThatThrownBy(() -> Mode.parse(text))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("there are copy, get-data, user-copy, zero-copy");
        }
    }

    @Test
    void anotherModeTakesThePlaceOfTheFirst() {
        DeviceOptions options = DeviceOptions.defaults().with(Feature.SHMEM_ZC);
        for (Mode mode : all()) {
            options = options.with(mode);
            assertThat(options.features()).isEqualTo(mode.features() | Feature.UBLK_F_SHMEM_ZC);
            assertThat(options.choosesMode()).isFalse();
        }
    }

    @Test
    void requestsAreLargerWhereTheServerDoesNotTouchTheirData() {
        DeviceOptions options = DeviceOptions.defaults();
        for (Mode mode : all()) {
            boolean untouched =
                    mode.data() == Mode.Data.ZERO_COPY || mode.data() == Mode.Data.MANUAL_ZERO_COPY;
            assertThat(options.largestIo(mode.features())).isEqualTo(untouched ? 1 << 20 : 1 << 19);
            assertThat(options.withMaxIo(8192).largestIo(mode.features())).isEqualTo(8192);
        }
    }

    @Test
    void aLargestRequestOfNothingIsRefused() {
        assertThatThrownBy(() -> DeviceOptions.defaults().withMaxIo(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("largest I/O is not between 4096 and 33554432: 0");
    }

    @Test
    void aModeThatTheDriverLacksIsRefusedWithTheVersionThatHasIt() {
        DeviceOptions options = DeviceOptions.defaults().with(Mode.parse("zero-copy"));
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            assertThatThrownBy(() -> Device.start(driver, new LeavingDisk(), options))
                    .isInstanceOf(MissingFeatureException.class)
                    .hasMessageContaining("which came with Linux 6.15");
        }
    }

    @Test
    void aTargetThatLooksAtItsDataIsNotServedFromRegisteredPages() {
        DeviceOptions options = DeviceOptions.defaults().with(Mode.parse("manual-zero-copy"));
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            assertThatThrownBy(() -> Device.start(driver, new TestDisk(), options))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("manual-zero-copy works only for targets that leave");
        }
    }

    private static final class LeavingDisk extends TestDisk implements LeavesData {}

    @Test
    void aTargetThatNeedsUserCopyIsRefusedInAnyOtherModeForThatReason() {
        for (Geometry geometry :
                List.of(
                        Geometry.ofSize(1 << 20).withIntegrity(IntegrityFormat.t10Type1()),
                        Geometry.ofSize(1 << 20).withZones(new ZoneLimits(256 << 10, 0, 0)))) {
            TestDisk disk =
                    new TestDisk() {
                        @Override
                        public Geometry geometry() {
                            return geometry;
                        }
                    };
            long features = Feature.UBLK_F_INTEGRITY | Feature.UBLK_F_ZONED;
            for (Mode mode : all()) {
                if (mode.data() != Mode.Data.USER_COPY) {
                    assertThat(Mode.unfit(features | mode.features(), disk))
                            .contains("is served in the mode user-copy, and not in " + mode.data());
                }
            }
            long ofAUser = features | Feature.UBLK_F_UNPRIVILEGED_DEV;
            assertThat(Mode.unfit(ofAUser | Feature.UBLK_F_USER_COPY, disk))
                    .contains("in the mode user-copy, in which an unprivileged one is not");
        }
    }

    @Test
    void aFeatureThatAKernelMayBeBuiltWithoutIsMissingForThatReasonToo() {
        assertThat(MissingFeatureException.of(Feature.INTEGRITY, "ublk_drv").getMessage())
                .isEqualTo(
                        "ublk_drv has no INTEGRITY, which came with Linux 7.0 and needs"
                                + " CONFIG_BLK_DEV_INTEGRITY");
        assertThat(MissingFeatureException.of(Feature.ZONED, "ublk_drv").getMessage())
                .endsWith("Linux 6.6 and needs CONFIG_BLK_DEV_ZONED");
    }
}
