package dev.ublk4j.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.AdoptionState;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An adoption of several buffers, each of which the driver takes its time over. */
class AdoptionTurnsTest {
    private static final long SIZE = 4L << 20;

    @TempDir Path folder;

    private static final class Nothing implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(1 << 20);
        }

        @Override
        public int read(Request request) {
            return (int) request.length();
        }

        @Override
        public int write(Request request) {
            return (int) request.length();
        }
    }

    /** A driver that waits with each registration. */
    private record SlowDriver(Driver driver, Semaphore begun, Semaphore go) implements Driver {
        @Override
        public String name() {
            return driver.name();
        }

        @Override
        public int control(int commandOp, MemorySegment command, Duration timeout) {
            if (ControlCommand.of(commandOp) == ControlCommand.REG_BUF) {
                begun.release();
                go.acquireUninterruptibly();
            }
            return driver.control(commandOp, command, timeout);
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

    @Test
    void whoAsksMeanwhileWaitsForOneRegistrationAndNotForAll() throws Exception {
        Semaphore begun = new Semaphore(0);
        Semaphore go = new Semaphore(0);
        try (Driver driver = new SlowDriver(EmbeddedDriver.create(), begun, go);
                Device device =
                        Device.start(
                                driver,
                                new Nothing(),
                                DeviceOptions.defaults().with(Feature.SHMEM_ZC));
                SharingServer sharing =
                        SharingServer.start(device, SharingOptions.defaults().withFolder(folder));
                UnknowingProgram program = UnknowingProgram.start("memfd", SIZE)) {
            program.obey("map " + SIZE);
            CompletableFuture<AdoptionReport> report =
                    CompletableFuture.supplyAsync(
                            () -> sharing.adopt(program.pid(), Choice.worthwhile()));
            try {
                begun.acquire();
                CompletableFuture<AdoptionState> state = new CompletableFuture<>();
                Thread asking =
                        Thread.ofPlatform().start(() -> state.complete(sharing.adoptions()));
                while (asking.getState() != Thread.State.WAITING) {
                    Thread.sleep(1);
                }
                go.release();

                assertThat(state.get().programs()).hasSize(1);
            } finally {
                go.release(10);
            }
            assertThat(report.get().complaints()).isEmpty();
            assertThat(report.get().bytes()).isEqualTo(2 * SIZE);
            assertThat(sharing.adoptions().programs()).hasSize(2);
        }
    }
}
