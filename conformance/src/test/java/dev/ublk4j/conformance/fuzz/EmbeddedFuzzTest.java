package dev.ublk4j.conformance.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.RawControl;
import dev.ublk4j.conformance.lane.EmbeddedLane;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.conformance.rules.Shared;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.ControlCommand;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Whatever is asked of the embedded driver, every request is answered, every device can be deleted,
 * and no pin and no device is left.
 */
@Tag("embedded")
final class EmbeddedFuzzTest {
    @Test
    @Timeout(7200)
    void noRequestIsLostAndNothingIsLeft() {
        FuzzRun.run("the embedded driver", 10, 3, RandomSteps::any, EmbeddedFuzzTest::run);
    }

    @Test
    @Timeout(7200)
    void noRequestOfADeviceWithMetadataIsLost() {
        FuzzRun.run("metadata", 10, 3, RandomSteps::anyOfMetadata, EmbeddedFuzzTest::run);
    }

    @Test
    @Timeout(7200)
    void noRequestOfADeviceWithZonesIsLost() {
        FuzzRun.run("zones", 10, 3, RandomZoneSteps::any, EmbeddedFuzzTest::run);
    }

    private static void run(List<Step> steps) {
        try (EmbeddedLane lane = EmbeddedLane.open()) {
            long pinned = lane.pinnedBytes();
            try (Shared memory = Shared.scattered(lane, (long) World.PAGES * World.PAGE);
                    World world =
                            new World(lane, memory.server(), memory.client(), -1, Frames.ANY)) {
                steps.forEach(world::run);
            }
            Pause.until("every pin is released", () -> lane.pinnedBytes() <= pinned);
            RawControl control = new RawControl(lane.driver());
            for (int number = 0; number < World.DEVICES; number++) {
                assertThat(control.send(ControlCommand.GET_DEV_INFO, number, 0))
                        .as("device %d", number)
                        .isEqualTo(Errno.ENODEV.negated());
            }
        }
    }
}
