package dev.ublk4j.embedded;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A server of a disk in memory, one thread for each queue, over the seam and nothing else. */
final class RamServer implements AutoCloseable {
    static final int BUFFER_BYTES = 1 << 20;

    final EmbeddedDriver driver;
    final int id;
    final CharDevice device;
    final MemorySegment storage;
    final Map<Integer, MemorySegment> buffers = new ConcurrentHashMap<>();
    final AtomicInteger served = new AtomicInteger();
    final AtomicInteger shared = new AtomicInteger();

    /** Requests are kept without an answer while set. */
    volatile boolean holding;

    private final int depth;
    private final List<Thread> threads = new ArrayList<>();
    private final List<QueueRing> rings = new ArrayList<>();
    private final CountDownLatch opened;
    private volatile boolean crashing;

    RamServer(EmbeddedDriver driver, int id, int queues, int depth, MemorySegment storage) {
        this.driver = driver;
        this.id = id;
        this.depth = depth;
        this.storage = storage;
        this.device = driver.open(id);
        this.opened = new CountDownLatch(queues);
        for (int queue = 0; queue < queues; queue++) {
            int queueId = queue;
            threads.add(Thread.ofPlatform().name("q" + queue).start(() -> serve(queueId)));
        }
    }

    private void serve(int queue) {
        try (Arena arena = Arena.ofShared();
                QueueRing ring = device.openRing(RingOptions.defaults())) {
            synchronized (rings) {
                rings.add(ring);
            }
            MemorySegment descriptors =
                    device.map(
                            BufferOffset.descriptors(queue, IoDescLayout.SIZE, 4096),
                            BufferOffset.descriptorBytes(depth, IoDescLayout.SIZE, 4096),
                            arena);
            MemorySegment io = arena.allocate((long) depth * BUFFER_BYTES, 4096);
            for (int tag = 0; tag < depth; tag++) {
                long buffer = io.address() + (long) tag * BUFFER_BYTES;
                ring.command(IoCommand.UBLK_U_IO_FETCH_REQ, queue, tag, 0, buffer, tag);
            }
            opened.countDown();
            List<Integer> held = new ArrayList<>();
            int[] alive = {depth};
            while (alive[0] > 0 && !crashing) {
                ring.run(
                        true,
                        (userData, result, flags) -> {
                            if (result == IoResult.UBLK_IO_RES_ABORT) {
                                alive[0]--;
                            } else if (result != 0) {
                                throw new AssertionError("result " + result);
                            } else if (holding) {
                                held.add((int) userData);
                            } else {
                                answer(ring, queue, (int) userData, descriptors, io);
                            }
                        });
                if (!holding) {
                    held.forEach(tag -> answer(ring, queue, tag, descriptors, io));
                    held.clear();
                }
            }
        }
    }

    private void answer(
            QueueRing ring, int queue, int tag, MemorySegment descriptors, MemorySegment io) {
        long base = IoDescLayout.offset(tag);
        long bytes = (long) IoDescLayout.nrSectors(descriptors, base) << 9;
        long position = IoDescLayout.startSector(descriptors, base) << 9;
        long address = IoDescLayout.addr(descriptors, base);
        long own = (long) tag * BUFFER_BYTES;
        MemorySegment data;
        if ((IoDescLayout.flags(descriptors, base) & IoFlag.UBLK_IO_F_SHMEM_ZC) != 0) {
            int index = ShmemAddress.index(address);
            MemorySegment buffer = Objects.requireNonNull(buffers.get(index));
            data = buffer.asSlice(ShmemAddress.offset(address), bytes);
            shared.incrementAndGet();
        } else {
            data = io.asSlice(own, Math.min(bytes, BUFFER_BYTES));
        }
        switch (IoDescLayout.op(descriptors, base)) {
            case IoOp.UBLK_IO_OP_READ -> MemorySegment.copy(storage, position, data, 0, bytes);
            case IoOp.UBLK_IO_OP_WRITE -> MemorySegment.copy(data, 0, storage, position, bytes);
            case IoOp.UBLK_IO_OP_DISCARD, IoOp.UBLK_IO_OP_WRITE_ZEROES ->
                    storage.asSlice(position, bytes).fill((byte) 0);
            default -> {}
        }
        served.incrementAndGet();
        long buffer = io.address() + own;
        ring.command(
                IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ, queue, tag, (int) bytes, buffer, tag);
    }

    void awaitOpened() {
        try {
            opened.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    void release() {
        holding = false;
        synchronized (rings) {
            rings.forEach(QueueRing::wake);
        }
    }

    /** Ends the server without a word, as a process that is killed. */
    void crash() {
        crashing = true;
        synchronized (rings) {
            rings.forEach(QueueRing::wake);
        }
        join();
        device.close();
    }

    void join() {
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void close() {
        holding = false;
        crash();
    }

    static byte at(MemorySegment memory, long index) {
        return memory.get(JAVA_BYTE, index);
    }
}
