package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeviceLifeTest {
    private static final int EINVAL = Errno.EINVAL.negated();
    private static final int EBUSY = Errno.EBUSY.negated();
    private static final int ENODEV = Errno.ENODEV.negated();
    private static final long SIZE = 4 << 20;
    private static final long RECOVERY = Feature.UBLK_F_USER_RECOVERY;
    private static final long REISSUE = RECOVERY | Feature.UBLK_F_USER_RECOVERY_REISSUE;
    private static final long FAIL_IO = RECOVERY | Feature.UBLK_F_USER_RECOVERY_FAIL_IO;

    private final EmbeddedDriver driver =
            EmbeddedDriver.create(EmbeddedOptions.defaults().withCpus(4));
    private final Commands commands = new Commands(driver);
    private final Arena arena = Arena.ofShared();
    private final MemorySegment storage = arena.allocate(SIZE);
    private final List<Long> results = new ArrayList<>();

    @AfterEach
    void deleteDevices() {
        for (int id : driver.deviceIds()) {
            assertThat(commands.delete(id)).isZero();
        }
        arena.close();
    }

    private int add(int queues, int depth, long flags) {
        int id = commands.add(queues, depth, flags);
        assertThat(commands.setParams(id, Commands.params(SIZE))).isZero();
        return id;
    }

    private DiskRequest request() {
        return new DiskRequest((request, result) -> {
            synchronized (results) {
                results.add(result);
            }
        });
    }

    private MemorySegment data() {
        return arena.allocate(4096, 4096);
    }

    @Test
    void aDeviceStartsWhenItsServerHasFetchedEverything() {
        int id = add(1, 2, 0);
        assertThat(commands.simple(ControlCommand.UBLK_U_CMD_START_DEV, id, 0)).isEqualTo(EINVAL);
        assertThat(commands.simple(ControlCommand.UBLK_U_CMD_START_DEV, id, -5)).isEqualTo(EINVAL);
        try (OneThread server = new OneThread(driver, id, 2, 4096)) {
            assertThatThrownBy(() ->
                            commands.send(
                                    Duration.ofMillis(20),
                                    ControlCommand.UBLK_U_CMD_END_USER_RECOVERY,
                                    id,
                                    ControlCommandLayout.NO_QUEUE,
                                    0,
                                    0,
                                    Commands.PID,
                                    0))
                    .isInstanceOf(ControlTimeoutException.class);
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertOpenFails(id);
            server.fetchAll();
            assertThat(commands.simple(ControlCommand.UBLK_U_CMD_START_DEV, id, 1))
                    .isEqualTo(EINVAL);
            assertThat(commands.start(id)).isZero();
            assertThat(commands.start(id)).isEqualTo(Errno.EEXIST.negated());
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
            assertThat(DeviceInfoLayout.ublksrvPid(commands.describe(id), 0))
                    .isEqualTo(Commands.PID);
            assertThat(commands.setParams(id, Commands.params(SIZE)))
                    .isEqualTo(Errno.EACCES.negated());
            assertThat(commands.stop(id)).isZero();
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            assertThat(DeviceInfoLayout.ublksrvPid(commands.describe(id), 0)).isEqualTo(-1);
            server.run();
            assertThat(server.refused)
                    .containsExactly(
                            "0:" + IoResult.UBLK_IO_RES_ABORT, "1:" + IoResult.UBLK_IO_RES_ABORT);
            assertThat(server.answer(IoCommand.UBLK_U_IO_FETCH_REQ, 0, 0, 0, server.buffer(0)))
                    .isEqualTo(ENODEV);
            assertThat(commands.start(id)).isEqualTo(EBUSY);
        }
        try (OneThread next = new OneThread(driver, id, 2, 4096)) {
            next.fetchAll();
            assertThat(commands.start(id)).isZero();
        }
        assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
    }

    private void assertOpenFails(int id) {
        assertThatThrownBy(() -> driver.openBlock(id))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void oneServerAtATime() {
        int id = add(1, 1, 0);
        try (var first = driver.open(id)) {
            assertThat(first.deviceId()).isEqualTo(id);
            assertThatThrownBy(() -> driver.open(id))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
        }
        driver.open(id).close();
        assertThatThrownBy(() -> driver.open(99))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void stoppingADeviceThatIsNotStartedIsFine() {
        int id = add(1, 1, 0);
        assertThat(commands.stop(id)).isZero();
        assertThat(commands.simple(ControlCommand.UBLK_U_CMD_TRY_STOP_DEV, id, 0))
                .isEqualTo(ENODEV);
        assertThat(commands.simple(ControlCommand.UBLK_U_CMD_UPDATE_SIZE, id, 8)).isEqualTo(ENODEV);
        assertThat(commands.simple(ControlCommand.UBLK_U_CMD_QUIESCE_DEV, id, 0))
                .isEqualTo(Errno.EOPNOTSUPP.negated());
        assertThat(commands.simple(ControlCommand.UBLK_U_CMD_START_USER_RECOVERY, id, 0))
                .isEqualTo(EINVAL);
        assertThat(commands.stop(99)).isEqualTo(ENODEV);
    }

    @Test
    void aDiskThatIsOpenIsNotStoppedByTrying() {
        int id = add(1, 1, 0);
        try (RamServer server = new RamServer(driver, id, 1, 1, storage)) {
            assertThat(commands.start(id)).isZero();
            int op = ControlCommand.UBLK_U_CMD_TRY_STOP_DEV;
            try (Disk disk = driver.openBlock(id)) {
                assertThat(commands.simple(op, id, 0)).isEqualTo(EBUSY);
                assertThat(disk.read(data(), 0)).isEqualTo(4096);
            }
            assertThat(commands.simple(op, id, 0)).isZero();
            server.join();
        }
    }

    @Test
    void aStoppedDiskStaysUsedUntilItIsClosed() {
        int id = add(1, 1, 0);
        try (RamServer server = new RamServer(driver, id, 1, 1, storage)) {
            assertThat(commands.start(id)).isZero();
            Disk disk = driver.openBlock(id);
            assertThat(commands.stop(id)).isZero();
            server.join();
            server.device.close();
            assertThat(disk.read(data(), 0)).isZero();
            assertThat(disk.write(data(), 0)).isEqualTo(Errno.ENOSPC.negated());
            disk.submit(request().read(0).add(data()));
            assertThat(results).containsExactly(-5L);
            try (RamServer next = new RamServer(driver, id, 1, 1, storage)) {
                next.awaitOpened();
                assertThat(commands.start(id)).isEqualTo(Errno.EEXIST.negated());
                disk.close();
                assertThat(commands.start(id)).isZero();
                assertThat(commands.stop(id)).isZero();
                next.join();
            }
        }
    }

    @Test
    void deletingWaitsForWhoeverHasTheDeviceOpen() throws InterruptedException {
        int id = add(1, 1, 0);
        OneThread server = new OneThread(driver, id, 1, 4096);
        CountDownLatch deleted = new CountDownLatch(1);
        int async = ControlCommand.UBLK_U_CMD_DEL_DEV_ASYNC;
        assertThat(commands.simple(async, id, 0)).isZero();
        assertThat(driver.deviceIds()).containsExactly(id);
        assertThatThrownBy(() -> driver.open(id)).isInstanceOf(LinuxException.class);
        Thread waiting =
                Thread.ofPlatform()
                        .start(() -> {
                            if (commands.delete(id) == 0) {
                                deleted.countDown();
                            }
                        });
        while (waiting.getState() == Thread.State.RUNNABLE) {
            LockSupport.parkNanos(20_000);
        }
        assertThat(commands.add(Commands.info(id, 1, 1, 0))).isEqualTo(Errno.EEXIST.negated());
        assertThat(deleted.getCount()).isOne();
        server.close();
        waiting.join();
        assertThat(deleted.getCount()).isZero();
        assertThat(commands.delete(id)).isEqualTo(ENODEV);
    }

    @Test
    void theSizeCanChange() {
        int id = add(1, 1, 0);
        try (RamServer server = new RamServer(driver, id, 1, 1, storage)) {
            assertThat(commands.start(id)).isZero();
            try (Disk disk = driver.openBlock(id)) {
                assertThat(disk.size()).isEqualTo(SIZE);
                assertThat(commands.simple(ControlCommand.UBLK_U_CMD_UPDATE_SIZE, id, 8)).isZero();
                assertThat(disk.size()).isEqualTo(4096);
                assertThat(disk.read(arena.allocate(8192, 4096), 0)).isEqualTo(4096);
                assertThat(server.served.get()).isOne();
            }
            assertThat(commands.stop(id)).isZero();
            server.join();
        }
    }

    @Test
    void requestsFailWhenTheServerDies() {
        int id = add(1, 4, 0);
        RamServer server = new RamServer(driver, id, 1, 4, storage);
        server.holding = true;
        assertThat(commands.start(id)).isZero();
        try (Disk disk = driver.openBlock(id)) {
            for (int i = 0; i < 10; i++) {
                disk.submit(request().write(0).add(data()));
            }
            server.crash();
            assertThat(results).hasSize(10).containsOnly(-5L);
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
            disk.submit(request().write(0).add(data()));
            assertThat(results).hasSize(11);
        }
    }

    @Test
    void withRecoveryNewRequestsWaitForTheNextServer() {
        int id = add(1, 4, RECOVERY);
        recover(id, false);
        assertThat(results).hasSize(6);
        assertThat(results.stream().filter(result -> result == -5).count()).isEqualTo(4);
        assertThat(results.stream().filter(result -> result == 4096).count()).isEqualTo(2);
    }

    @Test
    void withReissueRequestsOfADeadServerGoToTheNext() {
        int id = add(1, 4, REISSUE);
        recover(id, true);
        assertThat(results).hasSize(6).containsOnly(4096L);
    }

    private void recover(int id, boolean reissue) {
        RamServer server = new RamServer(driver, id, 1, 4, storage);
        server.holding = true;
        assertThat(commands.start(id)).isZero();
        int begin = ControlCommand.UBLK_U_CMD_START_USER_RECOVERY;
        int end = ControlCommand.UBLK_U_CMD_END_USER_RECOVERY;
        assertThat(commands.simple(begin, id, 0)).isEqualTo(EBUSY);
        try (Disk disk = driver.openBlock(id)) {
            for (int i = 0; i < 4; i++) {
                disk.submit(request().write(0).add(data()), 0);
            }
            while (driver.counters(id).bytesCopied() < 4 * 4096) {
                LockSupport.parkNanos(20_000);
            }
            disk.submit(request().read(0).add(data()), 0);
            server.crash();
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
            assertThat(results).hasSize(reissue ? 0 : 4);
            disk.submit(request().read(0).add(data()), 0);
            assertThat(commands.simple(begin, id, 0)).isZero();
            try (RamServer next = new RamServer(driver, id, 1, 4, storage)) {
                next.awaitOpened();
                assertThat(commands.simple(end, id, 1)).isEqualTo(EINVAL);
                assertThat(commands.simple(end, id, Commands.PID)).isZero();
                assertThat(commands.simple(end, id, Commands.PID)).isEqualTo(EBUSY);
                assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
                while (size() < 6) {
                    LockSupport.parkNanos(20_000);
                }
                assertThat(commands.stop(id)).isZero();
                next.join();
            }
        }
    }

    private int size() {
        synchronized (results) {
            return results.size();
        }
    }

    @Test
    void withFailIoRequestsFailUntilTheNextServer() {
        int id = add(1, 2, FAIL_IO);
        RamServer server = new RamServer(driver, id, 1, 2, storage);
        assertThat(commands.start(id)).isZero();
        try (Disk disk = driver.openBlock(id)) {
            assertThat(disk.read(data(), 0)).isEqualTo(4096);
            server.crash();
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_FAIL_IO);
            assertThat(disk.read(data(), 0)).isEqualTo(Errno.EREMOTEIO.negated());
            try (RamServer next = new RamServer(driver, id, 1, 2, storage)) {
                int end = ControlCommand.UBLK_U_CMD_END_USER_RECOVERY;
                assertThat(commands.simple(end, id, Commands.PID)).isZero();
                assertThat(disk.read(data(), 0)).isEqualTo(4096);
                assertThat(commands.stop(id)).isZero();
                next.join();
            }
        }
    }

    @Test
    void aQuiescedDeviceCanBeStoppedAndItsRequestsFail() {
        int id = add(1, 2, REISSUE);
        RamServer server = new RamServer(driver, id, 1, 2, storage);
        server.holding = true;
        assertThat(commands.start(id)).isZero();
        try (Disk disk = driver.openBlock(id)) {
            for (int i = 0; i < 5; i++) {
                disk.submit(request().write(0).add(data()), 0);
            }
            server.crash();
            assertThat(results).isEmpty();
            assertThat(commands.stop(id)).isZero();
            assertThat(results).hasSize(5).containsOnly(-5L);
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_DEAD);
        }
    }

    @Test
    void quiescingGivesIdleCommandsBackAndKeepsRequests() {
        int id = add(1, 2, RECOVERY | Feature.UBLK_F_QUIESCE);
        int quiesce = ControlCommand.UBLK_U_CMD_QUIESCE_DEV;
        assertThat(commands.simple(quiesce, id, 0)).isEqualTo(ENODEV);
        try (Disk disk = quiesced(id)) {
            assertThat(commands.simple(quiesce, id, 0)).isZero();
            assertThat(disk.size()).isEqualTo(SIZE);
            assertThat(commands.stop(id)).isZero();
            assertThat(results).containsExactly(4096L, -5L);
        }
    }

    /** Quiesces a device with one request under way, and has its server go. */
    private Disk quiesced(int id) {
        Disk disk;
        try (OneThread server = new OneThread(driver, id, 2, 4096)) {
            server.fetchAll();
            assertThat(commands.start(id)).isZero();
            disk = driver.openBlock(id);
            disk.submit(request().write(0).add(data()));
            server.run();
            int quiesce = ControlCommand.UBLK_U_CMD_QUIESCE_DEV;
            assertThat(commands.simple(quiesce, id, 0)).isZero();
            server.run();
            assertThat(server.refused).containsExactly("1:" + IoResult.UBLK_IO_RES_ABORT);
            disk.submit(request().write(0).add(data()));
            assertThat(server.run()).isZero();
            server.answerNext();
            assertThat(results).containsExactly(4096L);
            assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_LIVE);
        }
        assertThat(commands.state(id)).isEqualTo(DeviceState.UBLK_S_DEV_QUIESCED);
        return disk;
    }

    @Test
    void everyRequestIsAnsweredWhenADeviceStopsUnderLoad() throws InterruptedException {
        for (long flags : new long[] {0, RECOVERY, REISSUE, FAIL_IO}) {
            int id = add(2, 8, flags);
            try (RamServer server = new RamServer(driver, id, 2, 8, storage)) {
                assertThat(commands.start(id)).isZero();
                Disk disk = driver.openBlock(id);
                Load load = new Load(disk, 3, 40);
                load.awaitRunning();
                assertThat(commands.stop(id)).isZero();
                load.end();
                server.join();
                disk.close();
            }
            assertThat(commands.delete(id)).isZero();
        }
    }

    @Test
    void everyRequestIsAnsweredWhenAServerDiesUnderLoad() throws InterruptedException {
        for (long flags : new long[] {0, RECOVERY, REISSUE, FAIL_IO}) {
            for (int round = 0; round < 5; round++) {
                int id = add(2, 8, flags);
                RamServer server = new RamServer(driver, id, 2, 8, storage);
                assertThat(commands.start(id)).isZero();
                Disk disk = driver.openBlock(id);
                Load load = new Load(disk, 3, 40);
                load.awaitRunning();
                server.crash();
                if (flags != 0) {
                    try (RamServer next = new RamServer(driver, id, 2, 8, storage)) {
                        int end = ControlCommand.UBLK_U_CMD_END_USER_RECOVERY;
                        assertThat(commands.simple(end, id, Commands.PID)).isZero();
                        load.awaitRunning();
                        assertThat(commands.stop(id)).isZero();
                        next.join();
                    }
                }
                load.end();
                disk.close();
                assertThat(commands.delete(id)).isZero();
            }
        }
    }

    /** Threads that keep a number of requests under way until they fail for good. */
    private final class Load {
        private final AtomicInteger inFlight = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final List<Thread> threads = new ArrayList<>();
        private volatile boolean ending;

        Load(Disk disk, int count, int depth) {
            for (int t = 0; t < count; t++) {
                MemorySegment data = arena.allocate(4096L * depth, 4096);
                threads.add(Thread.ofPlatform().start(() -> run(disk, data, depth)));
            }
        }

        private void run(Disk disk, MemorySegment data, int depth) {
            List<DiskRequest> free = new ArrayList<>();
            for (int i = 0; i < depth; i++) {
                free.add(
                        new DiskRequest((request, result) -> {
                            inFlight.decrementAndGet();
                            done.incrementAndGet();
                            synchronized (free) {
                                free.add(request);
                            }
                        }));
            }
            for (int i = 0; !ending; i++) {
                DiskRequest request = null;
                synchronized (free) {
                    if (!free.isEmpty()) {
                        request = free.removeLast();
                    }
                }
                if (request == null) {
                    LockSupport.parkNanos(20_000);
                    continue;
                }
                inFlight.incrementAndGet();
                MemorySegment piece = data.asSlice(i % depth * 4096L, 4096);
                long position = i % 100 * 4096L;
                disk.submit(
                        (i & 1) == 0
                                ? request.read(position).add(piece)
                                : request.write(position).add(piece),
                        i % disk.queues());
            }
        }

        void awaitRunning() {
            int from = done.get();
            while (done.get() < from + 2000) {
                LockSupport.parkNanos(20_000);
            }
        }

        void end() throws InterruptedException {
            ending = true;
            for (Thread thread : threads) {
                thread.join();
            }
            // STOP_DEV waits until the last request has left the gate, which it does before its
            // client
            // is told.
            long deadline = System.nanoTime() + 240_000_000_000L;
            while (inFlight.get() != 0 && System.nanoTime() < deadline) {
                LockSupport.parkNanos(20_000);
            }
            assertThat(inFlight.get()).isZero();
        }
    }
}
