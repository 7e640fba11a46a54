package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.device.Handler;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.device.TestDevice;
import dev.ublk4j.conformance.lane.KernelLane;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a device is left by an application that is killed. */
@Tag("kernel")
@Tag("any-kernel")
final class ClientDeathTest {
    private static final int PAGE = 4096;

    @TempDir Path folder;

    @Test
    void anApplicationThatIsKilledWhileItsRequestIsOutLeavesADeviceThatWorks()
            throws IOException, InterruptedException {
        try (KernelLane lane = KernelLane.open();
                TestDevice device = TestDevice.live(lane, Shape.plain(), Handler.holding())) {
            Process client =
                    Shell.start(
                            "exec dd if=/dev/ublkb%d of=/dev/null iflag=direct bs=4k count=1"
                                    .formatted(device.id()),
                            folder.resolve("dd.txt"));
            Seen request = device.queue().awaitSeen(1).getFirst();
            client.destroyForcibly();
            device.queue().answer(request, PAGE);
            assertThat(client.waitFor(4, TimeUnit.MINUTES)).as("the client ends").isTrue();
            assertThat(client.exitValue()).as("killed").isNotZero();
            device.delete();
        }
    }
}
