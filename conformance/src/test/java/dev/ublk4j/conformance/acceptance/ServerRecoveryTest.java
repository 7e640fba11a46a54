package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.conformance.acceptance.MortalServer.Places;
import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate;
import dev.ublk4j.sharing.store.Keeper;
import dev.ublk4j.uapi.DeviceState;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server is killed under load, another takes its place, and no application has noticed. */
@Tag("kernel")
@Tag("any-kernel")
final class ServerRecoveryTest {
    private static final long SIZE = 32L << 20;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    /** How many servers are killed one after the other. */
    private static final int KILLS =
            Integer.parseInt(System.getenv().getOrDefault("UBLK4J_KILLS", "5"));

    @TempDir Path folder;

    private final AtomicBoolean keep = new AtomicBoolean(true);
    private final Thread keeper = new Thread(this::keep, "keeper");
    private Places places;
    private KernelDriver driver;
    private Process server;
    private int id;

    private void keep() {
        try (Keeper here = Keeper.open(places.keeper())) {
            here.serve(keep::get);
        }
    }

    @BeforeEach
    void start() throws IOException {
        places = new Places(folder);
        keeper.start();
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            file.setLength(SIZE);
        }
        driver = KernelDriver.open();
        server =
                ServerProcess.start(
                        MortalServer.class,
                        folder.resolve("live"),
                        folder.resolve("server.txt"),
                        folder.toString());
        id = Integer.parseInt(Files.readString(folder.resolve("live")));
    }

    @AfterEach
    void stop() throws InterruptedException {
        server.destroyForcibly().waitFor();
        try {
            new Control(driver).delete(id);
        } catch (LinuxException e) {
            assertThat(e).hasMessageContaining("ENODEV");
        }
        driver.close();
        keep.set(false);
        keeper.join();
    }

    /** The next server, in this process. */
    private final class Successor implements AutoCloseable {
        final Device device;
        final SharingServer sharing;

        Successor(Duration grace) throws IOException {
            BufferStore store = places.store(id);
            Estate estate = Estate.open(store);
            assertThat(estate.complaints()).isEmpty();
            device = Device.recover(driver, id, places.target(), estate.inheritance());
            sharing = SharingServer.resume(device, places.options(), store, estate, grace);
        }

        @Override
        public void close() {
            sharing.stop();
            device.close();
            sharing.close();
        }
    }

    private void kill() throws InterruptedException {
        server.destroyForcibly().waitFor();
        Control control = new Control(driver);
        Pause.until(
                "the device waits",
                () -> control.info(id).state() == DeviceState.UBLK_S_DEV_QUIESCED);
    }

    @Test
    void fioVerifiesEveryByteAcrossTheDeathOfTheServer() throws Exception {
        Process load =
                Shell.start(
                        """
                        exec fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                            --iodepth=32 --rw=randwrite --bs=4k --size=8M --loops=2 \
                            --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0
                        """
                                .formatted(id),
                        folder.resolve("fio.txt"));
        try {
            Pause.until("there is load", () -> ServerDeathTest.isBusy(id, 100));
            kill();
            assertThat(load.isAlive()).as(Files.readString(folder.resolve("fio.txt"))).isTrue();
            try (Successor successor = new Successor(PATIENCE)) {
                assertThat(load.waitFor(4, TimeUnit.MINUTES)).as("the load ends").isTrue();
                assertThat(load.exitValue())
                        .as(Files.readString(folder.resolve("fio.txt")))
                        .isZero();
                assertThat(successor.device.statistics().operations().get("write")).isPositive();
                assertThat(successor.device.statistics().failed()).isZero();
            }
        } finally {
            load.destroyForcibly().waitFor();
        }
    }

    @Test
    void memoryThatIsSharedStaysSharedAcrossTheDeathOfTheServer() throws Exception {
        long bytes = Application.BYTES;
        try (SharedMemory memory = SharedMemory.create("application", bytes);
                Arena arena = Arena.ofShared()) {
            Application application = new Application(id, memory.map(arena, false));
            HandoverConnection before =
                    HandoverConnection.open(Exchange.socketPath(folder, id), PATIENCE);
            int index = before.register(memory.fd(), false, "pool").index();
            Thread thread = new Thread(application, "application");
            thread.start();
            try {
                application.awaitRounds(3);
                kill();
                before.close();
                try (Successor successor = new Successor(Duration.ofMinutes(10))) {
                    application.awaitRounds(5);
                    assertThat(successor.device.statistics().lost()).isZero();
                    assertThat(successor.device.counters().copiedRequests()).isZero();
                    assertThat(successor.device.counters().sharedRequests()).isPositive();
                    try (HandoverConnection after =
                            HandoverConnection.open(successor.sharing.path(), PATIENCE)) {
                        assertThat(after.claim(memory.fd(), index, "").index()).isEqualTo(index);
                        application.awaitRounds(2);
                        after.unregister(index);
                    }
                    application.awaitRounds(2);
                    assertThat(successor.device.counters().copiedRequests()).isPositive();
                    application.stop.set(true);
                    thread.join();
                    assertThat(application.failure).hasNullValue();
                }
            } finally {
                application.stop.set(true);
                before.close();
            }
        }
    }

    @Test
    void memoryThatNobodyClaimsIsTakenBackUnderLoad() throws Exception {
        long bytes = Application.BYTES;
        try (SharedMemory memory = SharedMemory.create("application", bytes);
                Arena arena = Arena.ofShared()) {
            Application application = new Application(id, memory.map(arena, false));
            Thread thread = new Thread(application, "application");
            try (HandoverConnection before =
                    HandoverConnection.open(Exchange.socketPath(folder, id), PATIENCE)) {
                assertThat(before.register(memory.fd(), false, "pool").index()).isZero();
                thread.start();
                application.awaitRounds(2);
                kill();
            }
            try (Successor successor = new Successor(Duration.ofMillis(100))) {
                Pause.until("it is unregistered", () -> successor.device.sharedBuffer(0).isEmpty());
                application.awaitRounds(2);
                application.stop.set(true);
                thread.join();
                assertThat(application.failure).hasNullValue();
                assertThat(successor.device.counters().copiedRequests()).isPositive();
                assertThat(successor.device.statistics().lost()).isZero();
            } finally {
                application.stop.set(true);
            }
        }
    }

    @Test
    @Timeout(7200)
    void oneServerAfterTheOtherIsKilledAndNoByteIsLost() throws Exception {
        try (Arena arena = Arena.ofShared();
                SharedMemory memory = SharedMemory.create("plain", Application.BYTES)) {
            Application application = new Application(id, memory.map(arena, false));
            Thread thread = new Thread(application, "application");
            thread.start();
            try {
                for (int kill = 1; kill <= KILLS; kill++) {
                    application.awaitRounds(1 + kill % 3);
                    kill();
                    server =
                            ServerProcess.start(
                                    MortalServer.class,
                                    folder.resolve("live-" + kill),
                                    folder.resolve("server-%d.txt".formatted(kill)),
                                    folder.toString(),
                                    Integer.toString(id));
                }
                application.awaitRounds(2);
            } finally {
                application.stop.set(true);
                thread.join();
            }
            assertThat(application.failure).hasNullValue();
        }
    }

    @Test
    void aDeviceIsHandedFromServerToServerWithoutAnError() throws Exception {
        long bytes = Application.BYTES;
        try (Arena arena = Arena.ofShared();
                SharedMemory memory = SharedMemory.create("plain", bytes)) {
            Application application = new Application(id, memory.map(arena, false));
            Thread thread = new Thread(application, "application");
            thread.start();
            try {
                application.awaitRounds(2);
                new Control(driver).quiesce(id, PATIENCE);
                assertThat(server.waitFor(4, TimeUnit.MINUTES)).as("the server ends").isTrue();
                try (Successor successor = new Successor(PATIENCE)) {
                    application.awaitRounds(2);
                    successor.device.resize(2 * SIZE);
                    application.awaitRounds(1);
                    application.stop.set(true);
                    thread.join();
                    assertThat(application.failure).hasNullValue();
                    assertThatThrownBy(() ->
                                    Device.recover(
                                            driver,
                                            id,
                                            places.target(),
                                            dev.ublk4j.server.Inheritance.none()))
                            .hasMessageContaining("is in use by another server");
                }
            } finally {
                application.stop.set(true);
            }
        }
    }
}
