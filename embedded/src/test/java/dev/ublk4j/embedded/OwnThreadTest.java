package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Control commands from a thread that serves the device: this one. */
class OwnThreadTest {
    private static final int EDEADLK = Errno.EDEADLK.negated();
    private static final long SIZE = 4 << 20;
    private static final int DEPTH = 2;

    private final EmbeddedDriver driver =
            EmbeddedDriver.create(EmbeddedOptions.defaults().withCpus(2));
    private final Commands commands = new Commands(driver);
    private final Arena arena = Arena.ofShared();
    private final MemorySegment shared = Mapping.anonymous(8192, Mapping.MAP_SHARED, arena);
    private final List<Long> results = new ArrayList<>();

    @AfterEach
    void deleteDevices() {
        for (int id : driver.deviceIds()) {
            assertThat(commands.delete(id)).isZero();
        }
        arena.close();
    }

    private OneThread serve(long flags) {
        int id = commands.add(1, DEPTH, Feature.UBLK_F_SHMEM_ZC | flags);
        assertThat(commands.setParams(id, Commands.params(SIZE))).isZero();
        OneThread server = new OneThread(driver, id, DEPTH, 4096);
        server.fetchAll();
        assertThat(commands.start(id)).isZero();
        return server;
    }

    private void submitRead(Disk disk) {
        DiskRequest request =
                new DiskRequest((done, result) -> {
                    synchronized (results) {
                        results.add(result);
                    }
                });
        disk.submit(request.read(0).add(arena.allocate(4096, 4096)));
    }

    private List<Long> results() {
        synchronized (results) {
            return List.copyOf(results);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Feature.UBLK_F_USER_RECOVERY})
    void stoppingWithRequestsThatThisThreadHasIsRefusedAtOnceAndChangesNothing(long flags) {
        try (OneThread server = serve(flags);
                Disk disk = driver.openBlock(server.id)) {
            submitRead(disk);
            server.run();
            assertThat(server.arrived).hasSize(1);

            assertThat(commands.stop(server.id)).isEqualTo(EDEADLK);
            assertThat(commands.state(server.id)).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
            submitRead(disk);
            server.run();
            server.answerNext();
            server.answerNext();
            assertThat(results()).containsExactly(4096L, 4096L);

            assertThat(commands.stop(server.id)).isZero();
            assertThat(commands.state(server.id)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        }
    }

    @Test
    void aRequestThatHasNotBeenSeenYetCountsToo() {
        try (OneThread server = serve(0);
                Disk disk = driver.openBlock(server.id)) {
            submitRead(disk);
            assertThat(commands.stop(server.id)).isEqualTo(EDEADLK);
            server.run();
            server.answerNext();
            assertThat(results()).containsExactly(4096L);
        }
    }

    @Test
    void takingABufferBackIsRefusedWhileARequestIsOutAndTheBufferStays() {
        try (OneThread server = serve(0);
                Disk disk = driver.openBlock(server.id)) {
            assertThat(commands.register(server.id, shared.address(), 8192, 0)).isZero();
            submitRead(disk);
            server.run();

            assertThat(commands.unregister(server.id, 0)).isEqualTo(EDEADLK);
            assertThat(commands.register(server.id, shared.address(), 8192, 0))
                    .isEqualTo(Errno.EEXIST.negated());
            server.answerNext();
            assertThat(commands.unregister(server.id, 0)).isZero();
            assertThat(commands.unregister(server.id, 0)).isEqualTo(Errno.ENOENT.negated());
        }
    }

    @Test
    void deletingIsRefusedForItWouldWaitForThisThreadToCloseTheDevice() {
        try (OneThread server = serve(0)) {
            assertThat(commands.delete(server.id)).isEqualTo(EDEADLK);
            assertThat(commands.state(server.id)).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
    }

    @Test
    void deletingWithoutWaitingIsNot() {
        try (OneThread server = serve(0)) {
            int async = ControlCommand.UBLK_U_CMD_DEL_DEV_ASYNC;
            assertThat(commands.simple(async, server.id, 0)).isZero();
        }
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void anotherThreadsStopThatWaitsForThisOneDoesNotBlockIt() throws Exception {
        try (OneThread server = serve(0);
                Disk disk = driver.openBlock(server.id)) {
            submitRead(disk);
            server.run();
            AtomicInteger answer = new AtomicInteger(1);
            Thread other = Thread.ofPlatform().start(() -> answer.set(commands.stop(server.id)));
            while (disk.size() != 0) {
                LockSupport.parkNanos(20_000);
            }

            assertThat(commands.stop(server.id)).isEqualTo(EDEADLK);
            assertThat(commands.unregister(server.id, 0)).isEqualTo(EDEADLK);
            server.answerNext();
            other.join();
            assertThat(answer).hasValue(0);
            assertThat(results()).containsExactly(4096L);
            assertThat(commands.stop(server.id)).isZero();
        }
    }

    @Test
    void aDeviceThatRefusedToStopServesThoseThatWaitForATagToo() {
        try (OneThread server = serve(0);
                Disk disk = driver.openBlock(server.id)) {
            for (int i = 0; i < DEPTH + 1; i++) {
                submitRead(disk);
            }
            server.run();
            assertThat(commands.stop(server.id)).isEqualTo(EDEADLK);
            while (results().size() < DEPTH + 1) {
                server.answerNext();
                server.run();
            }
            assertThat(results()).containsOnly(4096L);
        }
    }
}
