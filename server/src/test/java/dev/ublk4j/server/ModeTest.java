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
}
