package dev.ublk4j.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.embedded.device.BufferRegistry;
import dev.ublk4j.embedded.device.OwnQueues;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SharedBufferTest {
    private static final int EINVAL = Errno.EINVAL.negated();
    private static final int PAGE = 4096;
    private static final long SHMEM = Feature.UBLK_F_SHMEM_ZC;

    private final EmbeddedDriver driver =
            EmbeddedDriver.create(EmbeddedOptions.defaults().withCpus(4));
    private final Commands commands = new Commands(driver);
    private final Arena arena = Arena.ofShared();
    private final List<Long> results = new ArrayList<>();

    @AfterEach
    void deleteDevices() {
        for (int id : driver.deviceIds()) {
            assertThat(commands.delete(id)).isZero();
        }
        arena.close();
    }

    private DiskRequest request() {
        return new DiskRequest((request, result) -> results.add(result));
    }

    private int add(long flags) {
        int id = commands.add(1, 4, flags);
        assertThat(commands.setParams(id, Commands.params(1 << 22))).isZero();
        return id;
    }

    private MemorySegment pages(int count) {
        return Mapping.anonymous((long) count * PAGE, Mapping.MAP_PRIVATE, arena);
    }

    @Test
    void theRegistrationIsCheckedInOrder() {
        int without = add(0);
        assertThat(commands.register(without, 1, 0, 99)).isEqualTo(Errno.EOPNOTSUPP.negated());
        assertThat(commands.unregister(without, -1)).isEqualTo(Errno.EOPNOTSUPP.negated());
        int id = add(SHMEM);
        long memory = pages(2).address();
        assertThat(commands.register(id, memory, PAGE, 2)).isEqualTo(EINVAL);
        assertThat(commands.register(id, memory, 0, 0)).isEqualTo(EINVAL);
        assertThat(commands.register(id, memory, 100, 0)).isEqualTo(EINVAL);
        assertThat(commands.register(id, memory + 8, PAGE, 0)).isEqualTo(EINVAL);
        assertThat(commands.register(id, memory, (1L << 32) + PAGE, 0)).isEqualTo(EINVAL);
        assertThat(commands.register(id, memory, -PAGE, 0)).isEqualTo(EINVAL);
        assertThat(commands.register(id, PAGE, PAGE, 0)).isEqualTo(Errno.EFAULT.negated());
        MemorySegment wanted = arena.allocate(ShmemBufRegLayout.SIZE, 8);
        ShmemBufRegLayout.write(wanted, 0, memory, PAGE, 0);
        ShmemBufRegLayout.reserved(wanted, 0, 1);
        int op = ControlCommand.UBLK_U_CMD_REG_BUF;
        assertThat(commands.send(op, id, ControlCommandLayout.NO_QUEUE, wanted, 0))
                .isEqualTo(EINVAL);
        assertThat(commands.send(op, id, ControlCommandLayout.NO_QUEUE, 16, 24, 0, 0))
                .isEqualTo(Errno.EFAULT.negated());
        // What is not given counts as 0: without the last 8 bytes flags and reserved are absent.
        assertThat(commands.send(op, id, ControlCommandLayout.NO_QUEUE, wanted.address(), 16, 0, 0))
                .isZero();
        assertThat(commands.unregister(id, -1)).isEqualTo(EINVAL);
        assertThat(commands.unregister(id, 65_536)).isEqualTo(EINVAL);
        assertThat(commands.unregister(id, 1)).isEqualTo(Errno.ENOENT.negated());
        assertThat(commands.unregister(id, 0)).isZero();
        assertThat(commands.unregister(id, 0)).isEqualTo(Errno.ENOENT.negated());
    }

    @Test
    void aPageIsInOneBufferAndAFailureLeavesNothing() {
        int id = add(SHMEM);
        long memory = pages(8).address();
        assertThat(commands.register(id, memory + 4 * PAGE, PAGE, 0)).isZero();
        assertThat(commands.register(id, memory, 8 * PAGE, 0)).isEqualTo(Errno.EEXIST.negated());
        assertThat(commands.register(id, memory, 4 * PAGE, 0)).isOne();
        assertThat(commands.register(id, memory + 5 * PAGE, 3 * PAGE, 0)).isEqualTo(2);
        assertThat(commands.unregister(id, 0)).isZero();
        assertThat(commands.register(id, memory + 4 * PAGE, PAGE, 0)).isZero();
    }

    @Test
    void aDeviceTakesSixtyFiveThousandBuffersAndNoMore() {
        int id = add(SHMEM);
        MemorySegment memory = pages(65_537);
        BufferRegistry registry = new BufferRegistry(() -> null, false);
        for (int index = 0; index < 65_536; index++) {
            long address = memory.address() + (long) index * PAGE;
            if (registry.register(address, PAGE, 0) != index) {
                throw new AssertionError("at " + index);
            }
        }
        long last = memory.address() + 65_536L * PAGE;
        assertThat(registry.register(last, PAGE, 0)).isEqualTo(Errno.ENOSPC.negated());
        assertThat(registry.unregister(40_000, OwnQueues.none())).isZero();
        assertThat(registry.register(last, PAGE, 0)).isEqualTo(40_000);
        registry.clear();
    }

    @Test
    void aRequestInARegisteredBufferIsNotCopied() {
        int id = add(SHMEM);
        try (SharedMemory shared = SharedMemory.create("buffer", 64 * PAGE);
                OneThread server = new OneThread(driver, id, 4, 65536)) {
            MemorySegment servers = shared.map(arena, false);
            MemorySegment clients = shared.map(arena, false);
            assertThat(servers.address()).isNotEqualTo(clients.address());
            int other = commands.register(id, pages(1).address(), PAGE, 0);
            int index = commands.register(id, servers.address(), 64 * PAGE, 0);
            assertThat(other).isZero();
            assertThat(index).isOne();
            server.fetchAll();
            assertThat(commands.start(id)).isZero();
            try (ClientMemory memory = new ClientMemory(clients);
                    Disk disk = driver.openBlock(id)) {
                clients.fill((byte) 4);
                disk.submit(request().write(0).add(memory, 3 * PAGE + 512, 3 * PAGE));
                server.run();
                assertThat(IoDescLayout.flags(server.descriptors, 0))
                        .isEqualTo(IoFlag.UBLK_IO_F_SHMEM_ZC);
                assertThat(IoDescLayout.addr(server.descriptors, 0))
                        .isEqualTo(ShmemAddress.of(1, 3 * PAGE + 512));
                assertThat(RamServer.at(server.io, 0)).isZero();
                server.answerNext();
                disk.submit(request().read(0).add(memory, 0, PAGE));
                server.run();
                server.io.fill((byte) 9);
                server.answerNext();
                assertThat(RamServer.at(clients, 0)).isEqualTo((byte) 4);
                assertThat(results).containsExactly(3L * PAGE, (long) PAGE);
                DataCounters counters = driver.counters(id);
                assertThat(counters.hits()).isEqualTo(2);
                assertThat(counters.misses()).isZero();
                assertThat(counters.bytesShared()).isEqualTo(4 * PAGE);
                assertThat(counters.bytesCopied()).isZero();

                disk.submit(request().read(0).add(memory, PAGE, PAGE).add(memory, 9 * PAGE, PAGE));
                disk.submit(request().read(0).add(arena.allocate(PAGE, PAGE)));
                server.run();
                assertThat(IoDescLayout.flags(server.descriptors, 0)).isZero();
                server.answerNext();
                server.answerNext();
                assertThat(RamServer.at(clients, PAGE)).isEqualTo((byte) 9);
                counters = driver.counters(id);
                assertThat(counters.notContiguous()).isOne();
                assertThat(counters.framesUnknown()).isOne();
                assertThat(counters.bytesCopied()).isEqualTo(3 * PAGE);
            }
            assertThat(driver.counters(id).hits()).isEqualTo(2);
        }
        assertThat(driver.counters(id).hits()).isEqualTo(2);
    }

    @Test
    void aReadOnlyBufferIsForWrites() {
        int id = add(SHMEM);
        try (SharedMemory shared = SharedMemory.create("buffer", PAGE);
                OneThread server = new OneThread(driver, id, 4, PAGE)) {
            MemorySegment servers = shared.map(arena, true);
            MemorySegment clients = shared.map(arena, false);
            clients.fill((byte) 1);
            assertThat(commands.register(id, servers.address(), PAGE, 0))
                    .isEqualTo(Errno.EFAULT.negated());
            int readOnly = ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY;
            assertThat(commands.register(id, servers.address(), PAGE, readOnly)).isZero();
            server.fetchAll();
            assertThat(commands.start(id)).isZero();
            try (ClientMemory memory = new ClientMemory(clients);
                    Disk disk = driver.openBlock(id)) {
                disk.submit(request().read(0).add(memory, 0, PAGE));
                disk.submit(request().write(0).add(memory, 0, PAGE));
                server.run();
                long second = IoDescLayout.offset(1);
                assertThat(IoDescLayout.flags(server.descriptors, 0)).isZero();
                assertThat(IoDescLayout.flags(server.descriptors, second))
                        .isEqualTo(IoFlag.UBLK_IO_F_SHMEM_ZC);
                assertThat(driver.counters(id).readOnly()).isOne();
                assertThat(driver.counters(id).hits()).isOne();
                server.answerNext();
                server.answerNext();
            }
        }
    }

    @Test
    void unregisteringWaitsForRequestsThatUseTheBuffer() throws InterruptedException {
        int id = add(SHMEM);
        try (SharedMemory shared = SharedMemory.create("buffer", PAGE);
                OneThread server = new OneThread(driver, id, 4, PAGE)) {
            MemorySegment clients = shared.map(arena, false);
            assertThat(commands.register(id, shared.map(arena, false).address(), PAGE, 0)).isZero();
            server.fetchAll();
            assertThat(commands.start(id)).isZero();
            try (ClientMemory memory = new ClientMemory(clients);
                    Disk disk = driver.openBlock(id)) {
                disk.submit(request().write(0).add(memory, 0, PAGE));
                server.run();
                AtomicInteger answer = new AtomicInteger(1);
                Thread waiting =
                        Thread.ofPlatform().start(() -> answer.set(commands.unregister(id, 0)));
                Gendisk gendisk = Objects.requireNonNull(driver.diskOf(id));
                while (gendisk.gate().isOpen(0)) {
                    LockSupport.parkNanos(20_000);
                }
                assertThat(answer.get()).isOne();
                disk.submit(request().write(0).add(memory, 0, PAGE));
                assertThat(server.run()).isZero();
                server.answerNext();
                waiting.join();
                assertThat(answer.get()).isZero();
                server.run();
                long next = IoDescLayout.offset(server.arrived.element());
                assertThat(IoDescLayout.flags(server.descriptors, next)).isZero();
                server.answerNext();
                assertThat(results).containsExactly((long) PAGE, (long) PAGE);
            }
        }
    }

    @Test
    void buffersComeAndGoUnderLoad() throws InterruptedException {
        int id = commands.add(2, 8, SHMEM);
        assertThat(commands.setParams(id, Commands.params(1 << 22))).isZero();
        try (SharedMemory shared = SharedMemory.create("buffer", 32 * PAGE);
                RamServer server = new RamServer(driver, id, 2, 8, arena.allocate(1 << 22))) {
            MemorySegment servers = shared.map(arena, false);
            server.buffers.put(0, servers);
            assertThat(commands.start(id)).isZero();
            try (ClientMemory memory = new ClientMemory(shared.map(arena, false));
                    Disk disk = driver.openBlock(id)) {
                AtomicInteger left = new AtomicInteger(2);
                for (int t = 0; t < 2; t++) {
                    int first = t * 16;
                    Thread.ofPlatform()
                            .start(() -> {
                                writeAndReadBack(disk, memory, first);
                                left.decrementAndGet();
                            });
                }
                int rounds = 0;
                while (left.get() > 0 || rounds < 10) {
                    assertThat(commands.register(id, servers.address(), 32 * PAGE, 0)).isZero();
                    assertThat(commands.unregister(id, 0)).isZero();
                    rounds++;
                }
                synchronized (results) {
                    assertThat(results).containsExactly(0L, 0L);
                }
            }
            assertThat(commands.stop(id)).isZero();
            server.join();
        }
    }

    /** Alternates writes and reads of pages and counts what came back wrong. */
    private void writeAndReadBack(Disk disk, ClientMemory memory, int firstPage) {
        long wrong = 0;
        for (int i = 0; i < 2000; i++) {
            long page = (long) firstPage + i % 16;
            MemorySegment data = memory.memory().asSlice(page * PAGE, PAGE);
            data.fill((byte) i);
            BlockingRequest write = new BlockingRequest();
            write.request().write(page * PAGE).add(memory, page * PAGE, PAGE);
            wrong += disk.submitAndWait(write) == PAGE ? 0 : 1;
            data.fill((byte) ~i);
            BlockingRequest read = new BlockingRequest();
            read.request().read(page * PAGE).add(memory, page * PAGE, PAGE);
            wrong += disk.submitAndWait(read) == PAGE ? 0 : 1;
            wrong += RamServer.at(data, i % PAGE) == (byte) i ? 0 : 1;
        }
        synchronized (results) {
            results.add(wrong);
        }
    }
}
