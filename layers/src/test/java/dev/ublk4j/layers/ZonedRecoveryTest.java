package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.ZoneLimits;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.DeviceState;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A device with zones is taken over by targets alone whose zones are as it promised. */
class ZonedRecoveryTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final int ZONE = 64 << 10;
    private static final long SIZE = 8L * ZONE;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Control control = new Control(driver);

    @AfterEach
    void close() {
        for (int id : driver.deviceIds()) {
            control.delete(id);
        }
        driver.close();
    }

    private static Target zoned(int zone, int open, int active) {
        ZoneLimits limits = new ZoneLimits(zone, open, active);
        return new ZonedTarget(new MemoryTarget(SIZE), ZoneTable.inMemory(SIZE, limits, 0));
    }

    private int leave(Target target) {
        DeviceOptions options = DeviceOptions.defaults().withDepth(8).with(Recovery.WAIT);
        try (Device device = Device.start(driver, target, options)) {
            device.quiesce(PATIENCE);
            return device.id();
        }
    }

    private void recover(int id, Target target) {
        Device.recover(driver, id, target, Inheritance.none()).close();
    }

    private void assertRefused(int id, Target target, String why) {
        assertThatThrownBy(() -> recover(id, target))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("device " + id)
                .hasMessageContaining(why);
        assertThat(control.info(id).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    0 | 0 | 131072 | 0 | 0 | its zones have 131072 bytes, those of the device 65536
                    0 | 0 |  32768 | 0 | 0 | its zones have 32768 bytes, those of the device 65536
                    0 | 0 |  65536 | 4 | 0 | at most 4 open zones, the device any number
                    5 | 0 |  65536 | 4 | 0 | at most 4 open zones, the device 5
                    4 | 0 |  65536 | 4 | 6 | at most 6 active zones, the device any number
                    4 | 7 |  65536 | 4 | 6 | at most 6 active zones, the device 7
                    """)
    void zonesThatAreNotThoseOfTheDeviceAreRefusedAndToldWhich(
            int promisedOpen, int promisedActive, int zone, int open, int active, String why) {
        int id = leave(zoned(ZONE, promisedOpen, promisedActive));
        assertRefused(id, zoned(zone, open, active), why);
        recover(id, zoned(ZONE, promisedOpen, promisedActive));
    }

    @ParameterizedTest
    @CsvSource({"4, 6, 4, 6", "4, 6, 5, 7", "4, 6, 4, 0", "4, 6, 0, 0", "0, 0, 0, 0"})
    void limitsThatAreNoStricterAreTaken(
            int promisedOpen, int promisedActive, int open, int active) {
        int id = leave(zoned(ZONE, promisedOpen, promisedActive));
        recover(id, zoned(ZONE, open, active));
    }

    @Test
    void aTargetWithoutZonesIsNotForADeviceWithThemNorTheOtherWayRound() {
        assertRefused(leave(zoned(ZONE, 0, 0)), new MemoryTarget(SIZE), "ZONED");
        assertRefused(leave(new MemoryTarget(SIZE)), zoned(ZONE, 0, 0), "ZONED");
    }
}
