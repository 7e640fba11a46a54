package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SharedBufferTest {
    private static final int PAGE = 4096;
    private static final long BYTES = 64L * PAGE;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final SharedMemory shared = SharedMemory.create("test", BYTES);
    private final MemorySegment servers = shared.map(arena, false);
    private final MemorySegment clients = shared.map(arena, false);

    @AfterEach
    void close() {
        driver.close();
        arena.close();
        shared.close();
    }

    private Device start(Target target) {
        DeviceOptions options = DeviceOptions.defaults().withDepth(16).with(Feature.SHMEM_ZC);
        return Device.start(driver, target, options);
    }

    private static int await(Disk disk, java.util.function.UnaryOperator<DiskRequest> fill) {
        CompletableFuture<Long> done = new CompletableFuture<>();
        disk.submit(fill.apply(new DiskRequest((request, result) -> done.complete(result))));
        return done.join().intValue();
    }

    @Test
    void aRequestInSharedMemoryReachesTheTargetAsThatMemory() {
        AtomicReference<MemorySegment> seen = new AtomicReference<>(MemorySegment.NULL);
        TestDisk target =
                new TestDisk() {
                    @Override
                    public int write(Request request) {
                        seen.set(request.data());
                        return super.write(request);
                    }
                };
        try (Device device = start(target);
                SharedBuffer buffer = device.share(servers, false);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(device.id())) {
            clients.set(ValueLayout.JAVA_INT, 5 * PAGE, 4711);
            assertThat(await(disk, request -> request.write(0).add(client, 5 * PAGE, PAGE)))
                    .isEqualTo(PAGE);

            assertThat(buffer.index()).isZero();
            assertThat(seen.get().address()).isEqualTo(servers.address() + 5 * PAGE);
            assertThat(seen.get().byteSize()).isEqualTo(PAGE);
            assertThat(seen.get().isReadOnly()).isTrue();
            assertThat(target.bytes.get(ValueLayout.JAVA_INT, 0)).isEqualTo(4711);
            assertThat(device.counters()).isEqualTo(new DeviceCounters(1, PAGE, 0, 0));
        }
    }

    @Test
    void aReadFillsTheClientsMemoryWithoutACopy() {
        TestDisk target = new TestDisk();
        target.bytes.set(ValueLayout.JAVA_INT, 2 * PAGE, 42);
        try (Device device = start(target);
                SharedBuffer buffer = device.share(servers, false);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(device.id())) {
            await(disk, request -> request.read(2 * PAGE).add(client, 7 * PAGE, PAGE));

            assertThat(clients.get(ValueLayout.JAVA_INT, 7 * PAGE)).isEqualTo(42);
            assertThat(driver.counters(device.id()).bytesCopied()).isZero();
            assertThat(buffer.memory()).isEqualTo(servers);
        }
    }

    @Test
    void afterTheBufferIsClosedRequestsAreCopiedAgain() {
        try (Device device = start(new TestDisk());
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(device.id())) {
            SharedBuffer buffer = device.share(servers, false);
            await(disk, request -> request.write(0).add(client, 0, PAGE));
            buffer.close();
            buffer.close();
            await(disk, request -> request.write(0).add(client, 0, PAGE));

            assertThat(device.counters()).isEqualTo(new DeviceCounters(1, PAGE, 1, PAGE));
        }
    }

    @Test
    void memoryCannotBeSharedTwiceNorWithADeviceThatDoesNotShare() {
        try (Device device = start(new TestDisk());
                SharedBuffer buffer = device.share(servers, false);
                Device plain = Device.start(driver, new TestDisk(), DeviceOptions.defaults())) {
            assertThat(buffer.index()).isZero();
            assertThatThrownBy(() -> device.share(servers, false))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
            assertThatThrownBy(() -> plain.share(servers, false))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP));
        }
    }

    /** A driver in which something happens between the answer to UNREG_BUF and its arrival. */
    private record AfterUnregister(Driver driver, Runnable action) implements Driver {
        @Override
        public String name() {
            return driver.name();
        }

        @Override
        public int control(int op, MemorySegment command, Duration timeout) {
            int answer = driver.control(op, command, timeout);
            if (op == ControlCommand.UBLK_U_CMD_UNREG_BUF) {
                action.run();
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

    @Test
    void aBufferThatGetsTheIndexOfOneThatJustLeftIsNotLost() throws Exception {
        AtomicReference<Device> started = new AtomicReference<>();
        CompletableFuture<SharedBuffer> second = new CompletableFuture<>();
        MemorySegment half = servers.asSlice(BYTES / 2);
        Runnable shareMeanwhile =
                () -> {
                    Thread other =
                            Thread.ofPlatform()
                                    .start(() -> second.complete(started.get().share(half, false)));
                    try {
                        // Long enough to come between, if nothing keeps it from that.
                        other.join(Duration.ofMillis(300));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                };
        DeviceOptions options = DeviceOptions.defaults().with(Feature.SHMEM_ZC);
        Driver slow = new AfterUnregister(driver, shareMeanwhile);
        try (Device device = Device.start(slow, new TestDisk(), options);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(device.id())) {
            started.set(device);
            device.share(servers.asSlice(0, BYTES / 2), false).close();
            assertThat(second.get(4, TimeUnit.MINUTES).index()).isZero();
            int at = (int) (BYTES / 2);

            assertThat(await(disk, request -> request.write(0).add(client, at, PAGE)))
                    .isEqualTo(PAGE);
            assertThat(device.counters()).isEqualTo(new DeviceCounters(1, PAGE, 0, 0));
        }
    }

    @Test
    void buffersComeAndGoUnderLoadAndEveryByteIsRight() throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        try (Device device = start(new TestDisk());
                ClientMemory client = new ClientMemory(clients)) {
            Thread[] workers = new Thread[3];
            for (int i = 0; i < workers.length; i++) {
                int worker = i;
                workers[i] =
                        Thread.ofPlatform()
                                .start(() -> {
                                    try (Disk disk = driver.openBlock(device.id())) {
                                        verify(disk, client, worker, stop);
                                    } catch (Throwable e) {
                                        failures.add(e);
                                    }
                                });
            }
            for (int round = 0; round < 300; round++) {
                device.share(servers, false).close();
            }
            stop.set(true);
            for (Thread worker : workers) {
                worker.join();
            }
            assertThat(failures).isEmpty();
            assertThat(device.counters().sharedRequests() + device.counters().copiedRequests())
                    .isPositive();
        }
    }

    private void verify(Disk disk, ClientMemory client, int worker, AtomicBoolean stop) {
        long out = (long) worker * 4 * PAGE;
        long in = out + 2 * PAGE;
        for (int round = 0; !stop.get(); round++) {
            for (int at = 0; at < 2 * PAGE; at += Integer.BYTES) {
                clients.set(ValueLayout.JAVA_INT, out + at, round * 31 + at + worker);
            }
            long position = (long) worker * 2 * PAGE;
            assertThat(await(disk, request -> request.write(position).add(client, out, 2 * PAGE)))
                    .isEqualTo(2 * PAGE);
            assertThat(await(disk, request -> request.read(position).add(client, in, 2 * PAGE)))
                    .isEqualTo(2 * PAGE);
            assertThat(clients.asSlice(out, 2 * PAGE).mismatch(clients.asSlice(in, 2 * PAGE)))
                    .isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHandlerCannotDoWhatWouldWaitForItself(boolean blocking) {
        AtomicReference<SharedBuffer> buffer = new AtomicReference<>();
        AtomicReference<Device> served = new AtomicReference<>();
        Queue<Throwable> refusals = new ConcurrentLinkedQueue<>();
        TestDisk target =
                new TestDisk() {
                    @Override
                    public boolean blocking() {
                        return blocking;
                    }

                    @Override
                    public int flush(Request request) {
                        for (Runnable waiting :
                                List.<Runnable>of(
                                        buffer.get()::close,
                                        () -> served.get().share(servers, true),
                                        () -> served.get().quiesce(Duration.ofSeconds(1)),
                                        served.get()::stop,
                                        served.get()::close)) {
                            try {
                                waiting.run();
                            } catch (RuntimeException e) {
                                refusals.add(e);
                            }
                        }
                        return 0;
                    }
                };
        try (Device device = start(target);
                SharedBuffer shared = device.share(servers, false);
                ClientMemory client = new ClientMemory(clients);
                Disk disk = driver.openBlock(device.id())) {
            served.set(device);
            buffer.set(shared);
            assertThat(disk.flush()).isZero();

            assertThat(refusals)
                    .hasSize(5)
                    .allSatisfy(e ->
                            assertThat(e)
                                    .isInstanceOf(IllegalStateException.class)
                                    .hasMessageContaining("ublk0-q0"));
            assertThat(target.closed).isFalse();
            assertThat(await(disk, request -> request.write(0).add(client, 0, PAGE)))
                    .isEqualTo(PAGE);
            assertThat(device.counters().sharedRequests()).isEqualTo(1);
        }
        assertThat(target.closed).isTrue();
        assertThat(driver.deviceIds()).isEmpty();
    }

    @Test
    void aBlockingHandlerThatHasAnsweredItsRequestMayStopItsDevice() throws Exception {
        AtomicReference<Device> served = new AtomicReference<>();
        CompletableFuture<Boolean> stopped = new CompletableFuture<>();
        TestDisk target =
                new TestDisk() {
                    @Override
                    public boolean blocking() {
                        return true;
                    }

                    @Override
                    public int flush(Request request) {
                        request.queue().complete(request.id(), 0);
                        try {
                            served.get().stop();
                            stopped.complete(true);
                        } catch (RuntimeException e) {
                            stopped.completeExceptionally(e);
                        }
                        return Request.PENDING;
                    }
                };
        try (Device device = start(target);
                Disk disk = driver.openBlock(device.id())) {
            served.set(device);
            assertThat(disk.flush()).isZero();
            assertThat(stopped.get(4, TimeUnit.MINUTES)).isTrue();
            assertThat(device.awaitStop(Duration.ZERO)).isTrue();
        }
    }
}
