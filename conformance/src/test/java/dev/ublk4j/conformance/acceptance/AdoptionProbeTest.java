package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kernel's own probes say that no request of a program that knows nothing of ublk is copied.
 */
@Tag("kernel")
@DisplayName("The kernel's probes")
final class AdoptionProbeTest {
    @TempDir Path folder;

    @Test
    void countEveryRequestOfAdoptedMemoryAsAHitAndNoneWithoutAdoption() throws IOException {
        try (KernelProbes probes = KernelProbes.open();
                KernelDriver driver = KernelDriver.open();
                Device device =
                        Device.start(
                                driver,
                                new MemoryTarget(4L << 20),
                                DeviceOptions.defaults()
                                        .with(Feature.SHMEM_ZC)
                                        .with(Feature.NO_AUTO_PART_SCAN));
                SharingServer sharing =
                        SharingServer.start(device, SharingOptions.defaults().withFolder(folder))) {
            Path program = UnawareProgram.compile(folder, "shared_buffer.c");
            for (boolean adopted : new boolean[] {false, true}) {
                try (UnawareProgram unaware =
                        UnawareProgram.start(
                                List.of(program.toString(), "/dev/ublkb" + device.id()))) {
                    if (adopted) {
                        sharing.adopt(unaware.pid(), Choice.worthwhile());
                    }
                    KernelProbes.Counts before = probes.read();
                    assertThat(unaware.obey("")).isEqualTo("done");
                    assertThat(probes.read().since(before))
                            .isEqualTo(
                                    adopted
                                            ? new KernelProbes.Counts(32, 0, 0)
                                            : new KernelProbes.Counts(0, 32, 32));
                }
            }
        }
    }
}
