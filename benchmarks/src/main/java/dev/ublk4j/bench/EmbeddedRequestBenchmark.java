package dev.ublk4j.bench;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.DeviceParams;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A request of 4 KiB from submission to completion on one thread, which is client and server in
 * one: the device's server does nothing but answer, so that the driver is what is measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class EmbeddedRequestBenchmark {
    private static final int DEPTH = 32;
    private static final int BLOCK = 4096;

    /** Whether the client's memory is registered, so that nothing is copied. */
    @Param({"false", "true"})
    public boolean shared;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Control control = new Control(driver);
    private final Arena arena = Arena.ofShared();
    private final DiskRequest[] requests = new DiskRequest[DEPTH];
    private final AtomicReference<Server> server = new AtomicReference<>();

    /** What is open while it runs. */
    private record Server(
            int id,
            CharDevice device,
            QueueRing ring,
            MemorySegment descriptors,
            MemorySegment buffers,
            SharedMemory memory,
            ClientMemory client,
            Disk disk) {}

    private int done;

    /** Starts a device. */
    @Setup
    public void start() {
        int id =
                control.add(DeviceInfo.request(-1, 1, DEPTH, 64 * 1024, Feature.UBLK_F_SHMEM_ZC))
                        .deviceId();
        control.setParams(
                id, DeviceParams.of(new DeviceParams.Basic(0, 9, 12, 12, 12, 128, 0, 1 << 20, 0)));
        CharDevice device = driver.open(id);
        QueueRing ring = device.openRing(RingOptions.defaults());
        MemorySegment descriptors =
                device.map(
                        BufferOffset.descriptors(0, IoDescLayout.SIZE, BLOCK),
                        BufferOffset.descriptorBytes(DEPTH, IoDescLayout.SIZE, BLOCK),
                        arena);
        MemorySegment buffers = arena.allocate((long) DEPTH * 64 * 1024, BLOCK);
        SharedMemory memory = SharedMemory.create("ublk4j-bench", (long) DEPTH * BLOCK);
        MemorySegment clients = memory.map(arena, false);
        ClientMemory client = new ClientMemory(clients);
        for (int tag = 0; tag < DEPTH; tag++) {
            ring.command(
                    IoCommand.UBLK_U_IO_FETCH_REQ,
                    0,
                    tag,
                    0,
                    buffers.address() + (long) tag * 64 * 1024,
                    tag);
            requests[tag] = new DiskRequest((request, result) -> done++);
        }
        ring.run(false, (userData, result, flags) -> {});
        control.start(id, ProcessHandle.current().pid());
        if (shared) {
            control.registerBuffer(id, memory.map(arena, false), false);
        }
        server.set(
                new Server(
                        id,
                        device,
                        ring,
                        descriptors,
                        buffers,
                        memory,
                        client,
                        driver.openBlock(id)));
    }

    /** Submits a batch and serves it. */
    @Benchmark
    @OperationsPerInvocation(DEPTH)
    public int writes() {
        Server to = server.get();
        done = 0;
        for (int i = 0; i < DEPTH; i++) {
            to.disk.submit(
                    requests[i].write((long) i * BLOCK).add(to.client, (long) i * BLOCK, BLOCK), 0);
        }
        while (done < DEPTH) {
            to.ring.run(false, this::answer);
        }
        return done;
    }

    private void answer(long userData, int result, int flags) {
        Server to = server.get();
        int tag = (int) userData;
        to.ring.command(
                IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ,
                0,
                tag,
                IoDescLayout.nrSectors(to.descriptors, IoDescLayout.offset(tag)) << 9,
                to.buffers.address() + (long) tag * 64 * 1024,
                tag);
    }

    /** Deletes the device. */
    @TearDown
    public void stop() {
        Server to = server.get();
        to.disk.close();
        to.ring.close();
        to.device.close();
        control.delete(to.id);
        to.client.close();
        arena.close();
        to.memory.close();
    }
}
