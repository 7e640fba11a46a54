package dev.ublk4j.conformance.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.device.Shape;
import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.EmbeddedLane;
import dev.ublk4j.conformance.lane.KernelLane;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.conformance.rules.Shared;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.KernelRelease;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.Feature;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The embedded driver answers to random sequences what the kernel's answers to them, both in this
 * process and over the same memory.
 *
 * <p>{@code conformance/fuzz} runs it for as long as one likes.
 */
@Tag("kernel")
final class DifferentialFuzzTest {
    private static final int SEQUENCES = 10;
    private static final int SEQUENCES_OF_METADATA = 6;

    /** Zones need the newest kernel in an emulated machine. */
    private static final int SEQUENCES_OF_ZONES = 3;

    private KernelLane kernel;
    private EmbeddedLane embedded;
    private long features;

    /** {@return the release that the embedded driver has to be like; without shared memory none} */
    private static KernelRelease runningRelease() {
        try (KernelLane lane = KernelLane.open()) {
            Set<Feature> has = new Control(lane.driver()).features();
            if (has.contains(Feature.IO_DESC_SIZE)) {
                return KernelRelease.LINUX_7_3;
            }
            assumeTrue(has.contains(Feature.SHMEM_ZC), "the kernel has no shared memory");
            return System.getProperty("os.version").startsWith("7.1.")
                    ? KernelRelease.LINUX_7_1
                    : KernelRelease.LINUX_7_2;
        }
    }

    @BeforeEach
    void open() {
        kernel = KernelLane.open();
        embedded = EmbeddedLane.open(runningRelease());
        features = new Control(embedded.driver()).featureBits();
    }

    @AfterEach
    void close() {
        embedded.close();
        kernel.close();
    }

    @Test
    @Timeout(7200)
    void bothDriversAnswerTheSameStepByStepOverScatteredFrames() {
        compare(
                "both drivers over scattered frames",
                SEQUENCES,
                RandomSteps::any,
                Shared::scattered,
                Frames.SCATTERED);
    }

    @Test
    @Timeout(7200)
    void bothDriversCutRequestsAlikeOverConsecutiveFrames() {
        compare(
                "both drivers over consecutive frames",
                SEQUENCES,
                RandomSteps::any,
                Shared::consecutive,
                Frames.CONSECUTIVE);
    }

    @Test
    @Timeout(7200)
    void bothDriversAnswerTheSameAboutIntegrityMetadata() {
        assumeTrue(
                new Control(kernel.driver()).features().contains(Feature.INTEGRITY),
                "the kernel was built without integrity");
        compare(
                "both drivers with integrity metadata",
                SEQUENCES_OF_METADATA,
                RandomSteps::anyOfMetadata,
                Shared::scattered,
                Frames.SCATTERED);
    }

    @Test
    @Timeout(7200)
    void bothDriversAnswerTheSameAboutZones() {
        assumeTrue(hasZones(), "the kernel was built without zones");
        compare(
                "both drivers with zones",
                SEQUENCES_OF_ZONES,
                RandomZoneSteps::anyWithoutAppends,
                Shared::scattered,
                Frames.SCATTERED);
    }

    private boolean hasZones() {
        Control control = new Control(kernel.driver());
        Shape zoned = Shape.plain().with(Feature.ZONED, Feature.USER_COPY);
        try {
            control.delete(control.add(zoned.request(-1)).deviceId());
            return true;
        } catch (LinuxException e) {
            if (e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    private void compare(
            String what,
            int sequences,
            Function<Random, Step> any,
            BiFunction<Lane, Long, Shared> shared,
            Frames frames) {
        try (Shared memory = shared.apply(kernel, (long) World.PAGES * World.PAGE);
                ClientArea client = memory.client(embedded)) {
            FuzzRun.run(what, sequences, 4, any, steps -> compare(steps, memory, client, frames));
        }
    }

    private void compare(List<Step> steps, Shared memory, ClientArea client, Frames frames) {
        List<String> log = new ArrayList<>();
        try (World one = new World(kernel, memory.server(), memory.client(), features, frames);
                World two = new World(embedded, memory.server(), client, features, frames)) {
            for (Step step : steps) {
                String expected = one.run(step);
                String actual = two.run(step);
                log.add("%s: %s".formatted(step, expected));
                assertThat(actual)
                        .as("the embedded driver, after%n%s", String.join("\n", log))
                        .isEqualTo(expected);
            }
            for (int number = 0; number < World.DEVICES; number++) {
                assertSameData(number, one.device(number), two.device(number));
            }
        }
    }

    private static void assertSameData(int number, Served one, Served two) {
        if (one != null && two != null) {
            assertThat(one.backend().disk().mismatch(two.backend().disk()))
                    .as("first byte of the data of device %d that differs", number)
                    .isEqualTo(-1);
            assertThat(one.metadata().kept().mismatch(two.metadata().kept()))
                    .as("first byte of the metadata of device %d that differs", number)
                    .isEqualTo(-1);
        }
    }
}
