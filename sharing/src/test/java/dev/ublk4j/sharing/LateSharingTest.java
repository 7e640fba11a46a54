package dev.ublk4j.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.store.BufferLedger;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.DescriptorStore;
import dev.ublk4j.testkit.fault.Faults;
import dev.ublk4j.testkit.fault.FaultyDriver;
import dev.ublk4j.testkit.fault.HeldCommand;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A buffer whose command is answered late")
class LateSharingTest {
    private static final long SIZE = 1 << 16;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir Path folder;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Faults faults = new Faults();
    private final SharedMemory memory = SharedMemory.create("client", SIZE);
    private final SharedMemory other = SharedMemory.create("other", SIZE);

    private Device device;
    private SharingServer sharing;

    private static final class Nothing implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(1 << 20);
        }

        @Override
        public int read(dev.ublk4j.server.Request request) {
            return (int) request.length();
        }

        @Override
        public int write(dev.ublk4j.server.Request request) {
            return (int) request.length();
        }
    }

    private static final class NoDescriptors implements DescriptorStore {
        @Override
        public void put(String key, Fd descriptor) {}

        @Override
        public void remove(String key) {}

        @Override
        public Map<String, Fd> take() {
            return Map.of();
        }

        @Override
        public void close() {}
    }

    @BeforeEach
    void start() throws IOException {
        DeviceOptions options =
                DeviceOptions.defaults().withDepth(4).with(Feature.SHMEM_ZC).with(Recovery.WAIT);
        device = Device.start(new FaultyDriver(driver, faults), new Nothing(), options);
        BufferStore store = BufferStore.of(0, BufferLedger.begin(ledger()), new NoDescriptors());
        sharing = SharingServer.start(device, SharingOptions.defaults().withFolder(folder), store);
    }

    @AfterEach
    void stop() {
        faults.clear();
        sharing.stop();
        device.close();
        sharing.close();
        memory.close();
        other.close();
    }

    private Path ledger() {
        return folder.resolve("ledger");
    }

    private HandoverConnection connect() {
        return HandoverConnection.open(sharing.path(), PATIENCE);
    }

    private static int register(HandoverConnection connection, SharedMemory memory) {
        return connection.register(memory.fd(), false, "pool").index();
    }

    private static void assertLate(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        HandoverException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT));
    }

    private void assertThatNothingIsLeft() throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (sharing.counters().get("buffer_bytes") != 0) {
            assertThat(System.nanoTime()).as("the memory is given back").isLessThan(deadline);
            Thread.onSpinWait();
        }
        assertThat(sharing.counters()).containsEntry("buffers", 0L);
        assertThat(Files.readAllLines(ledger())).as("no buffer is noted").hasSize(1);
        assertThat(device.sharedBuffer(0)).isEmpty();
    }

    @Test
    void isTakenBackWhenItsClientHasBeenToldThatItIsNotThere() throws IOException {
        try (HandoverConnection client = connect()) {
            HeldCommand held = faults.holdAnswer(ControlCommand.REG_BUF);
            assertLate(() -> register(client, memory));
            assertThat(sharing.counters()).containsEntry("buffer_bytes", SIZE);
            assertThat(Files.readString(ledger())).contains("COMING");
            assertLate(() -> register(client, other));

            held.awaitOutcome();
            assertThatNothingIsLeft();
            assertThat(register(client, memory)).isZero();
            assertThat(register(client, other)).isEqualTo(1);
        }
    }

    @Test
    void isTakenBackWhenTheDriverLetsGoOfIt() throws IOException {
        try (HandoverConnection client = connect()) {
            assertThat(register(client, memory)).isZero();
            HeldCommand held = faults.hold(ControlCommand.UNREG_BUF);
            assertLate(() -> client.unregister(0));
            assertThat(sharing.counters()).containsEntry("buffer_bytes", SIZE);
            assertThat(Files.readString(ledger())).contains("GOING");

            held.awaitOutcome();
            assertThatNothingIsLeft();
            assertThat(register(client, memory)).isZero();
        }
    }

    @Test
    void isTakenBackAfterItsClientAndThoseThatHadToWaitAfterIt() throws IOException {
        HeldCommand held;
        try (HandoverConnection client = connect()) {
            assertThat(register(client, memory)).isZero();
            assertThat(register(client, other)).isEqualTo(1);
            held = faults.holdAnswer(ControlCommand.UNREG_BUF);
        }
        held.awaitOutcome();
        assertThatNothingIsLeft();
        assertThat(device.sharedBuffer(1)).isEmpty();
    }
}
