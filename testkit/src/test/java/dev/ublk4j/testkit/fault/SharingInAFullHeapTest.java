package dev.ublk4j.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Memory that is shared by a process whose heap is full when the driver has answered. */
class SharingInAFullHeapTest {
    @Test
    @Timeout(120)
    void aBufferThatTheDriverHasIsItsOwners() throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx24m",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Owner.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).endsWith("buffer 0, then none, then 0\n");
    }

    /** A heap's worth of garbage that is none. */
    private record Hog(byte[] some, @Nullable Hog next) {}

    private static @Nullable Hog hog;

    private static void fill() {
        for (int room = 1 << 20; room > 0; room /= 2) {
            try {
                while (true) {
                    hog = new Hog(new byte[room], hog);
                }
            } catch (OutOfMemoryError e) {
                // Full, but for less than that.
            }
        }
    }

    /** The embedded driver, after whose answer to REG_BUF there is no memory left. */
    private static final class Filling implements Driver {
        private final Driver driver = EmbeddedDriver.create();
        private boolean fills;

        @Override
        public String name() {
            return driver.name();
        }

        @Override
        public int control(int commandOp, MemorySegment command, Duration timeout) {
            int answer = driver.control(commandOp, command, timeout);
            if (fills && commandOp == ControlCommand.UBLK_U_CMD_REG_BUF) {
                fill();
            }
            return answer;
        }

        @Override
        public CharDevice open(int deviceId) {
            return driver.open(deviceId);
        }

        @Override
        public void close() {
            driver.close();
        }
    }

    private static final class Null implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(1 << 20);
        }

        @Override
        public int read(Request request) {
            return 0;
        }

        @Override
        public int write(Request request) {
            return 0;
        }
    }

    /** Shares memory. */
    static final class Owner {
        private Owner() {}

        public static void main(String[] arguments) {
            Filling driver = new Filling();
            DeviceOptions options = DeviceOptions.defaults().with(Feature.SHMEM_ZC);
            MemorySegment memory = Mapping.anonymous(1 << 20, Mapping.MAP_SHARED, Arena.ofShared());
            try (Device device = Device.start(driver, new Null(), options)) {
                // Everything is loaded when it matters.
                device.share(memory, false).close();
                driver.fills = true;
                SharedBuffer buffer = device.share(memory, false);
                hog = null;
                driver.fills = false;
                System.out.print("buffer " + buffer.index());
                boolean found = device.sharedBuffer(0).isPresent();
                buffer.close();
                System.out.print(
                        found && device.sharedBuffer(0).isEmpty()
                                ? ", then none"
                                : ", which stays");
                System.out.println(", then " + device.share(memory, false).index());
            }
        }
    }
}
