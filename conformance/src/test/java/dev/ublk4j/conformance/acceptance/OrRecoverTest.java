package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.uapi.DeviceState;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code add --or-recover}, which is a start or a recovery. */
@Tag("kernel")
@Tag("any-kernel")
final class OrRecoverTest {
    private static final int ID = 7;
    private static final String REFUSED = "delete it first";

    @TempDir Path folder;

    private final KernelDriver driver = KernelDriver.open();
    private final Control control = new Control(driver);
    private Commands commands;

    @BeforeEach
    void serve() {
        commands = new Commands(folder);
        commands.run(
                """
                truncate -s 8M a.img b.img c.img
                echo other | dd of=b.img conv=notrunc status=none
                """);
    }

    @AfterEach
    void stop() {
        commands.tryRun("ublk4j del --all");
        driver.close();
    }

    private void kill() throws Exception {
        commands.killServer(ID);
        Pause.until(
                "the device waits for a server",
                () -> control.info(ID).state() == DeviceState.UBLK_S_DEV_QUIESCED);
    }

    private void assertRefused(String target, String... words) {
        Shell.Outcome outcome =
                commands.tryRun(
                        "ublk4j add %s -n 7 --recovery wait --or-recover".formatted(target));
        assertThat(outcome.status()).isNotZero();
        assertThat(outcome.output().lines())
                .singleElement()
                .asString()
                .contains("device 7 was served from ", REFUSED)
                .contains(words);
        assertThat(control.info(ID).state()).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
    }

    @Test
    void servesNoOtherFileThanTheDeviceHad() throws Exception {
        commands.run(
                """
                ublk4j add file a.img -n 7 --recovery wait --or-recover
                echo kept | dd of=/dev/ublkb7 conv=fsync status=none
                """);
        kill();

        assertRefused("file b.img", folder + "/a.img", folder + "/b.img");
        assertRefused("file a.img --offset 4096", folder + "/a.img", " from 4096");
        assertRefused("concat a.img b.img", folder + "/b.img");

        assertThat(
                        commands.run(
                                """
                                ublk4j add file a.img -n 7 --recovery wait --or-recover
                                head -c 4 /dev/ublkb7
                                head -c 5 b.img
                                """))
                .endsWith("keptother");
    }

    @Test
    void servesNoOtherFilesThanACompositionHad() throws Exception {
        commands.run("ublk4j add concat a.img b.img -n 7 --recovery wait --or-recover");
        kill();

        assertRefused("concat a.img c.img", folder + "/c.img");
        assertRefused("concat b.img a.img", folder + "/b.img");

        assertThat(commands.run("ublk4j add concat a.img b.img -n 7 --recovery wait --or-recover"))
                .contains("/dev/ublkb7");
    }

    /** A disk of zeroes that is given a name. */
    public static final class Named implements SimpleTarget {
        /** Takes what names its data, were there any. */
        public Named(String name) {
            assertThat(name).isNotEmpty();
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(1 << 20);
        }

        @Override
        public int read(Request request) {
            request.data().fill((byte) 0);
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            return (int) request.length();
        }
    }

    @Test
    void servesNoOtherDataThanATargetOfOnesOwnHad() throws Exception {
        String named = "target --class '" + Named.class.getName() + "' ";
        commands.run("ublk4j add %s one -n 7 --recovery wait --or-recover".formatted(named));
        kill();

        assertRefused(named + "another", "Named one", "Named another");

        assertThat(
                        commands.run(
                                "ublk4j add %s one -n 7 --recovery wait --or-recover"
                                        .formatted(named)))
                .contains("/dev/ublkb7");
    }
}
