package dev.ublk4j.cli.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.DeviceState;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A device that is served by this process")
class ForegroundTest {
    @TempDir Path folder;

    @Test
    void waitsForAServerWhereItWasThereBeforeAndNobodyIsToldOfThisOne() {
        EmbeddedDriver driver = EmbeddedDriver.create();
        DevicePlan plan =
                new DevicePlan(
                        "null",
                        null,
                        null,
                        List.of(),
                        true,
                        some ->
                                new LiveDevice(
                                        Device.start(
                                                some,
                                                new NullTarget(1 << 20),
                                                DeviceOptions.defaults().with(Recovery.WAIT)),
                                        null,
                                        true));

        assertThatThrownBy(() ->
                        Foreground.serve(
                                plan,
                                new RunFolder(folder.resolve("run")),
                                null,
                                () -> driver,
                                device -> {
                                    throw new IllegalStateException("nobody reads");
                                }))
                .hasMessage("nobody reads");

        assertThat(new Control(driver).info(0).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
    }
}
