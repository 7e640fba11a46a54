package dev.ublk4j.bench;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.driver.spi.TagBuffers;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.NullTarget;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.IoCommand;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.FileSlots;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a request costs between its completion on the ring and the command that commits it: a device
 * of the server's whose driver has the next request for a tag as soon as it has the answer to the
 * last, and nothing is copied or called.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class RequestPathBenchmark {
    private static final int DEPTH = 128;
    private static final int REQUESTS = DEPTH * 1024;
    private static final int SECTORS = 8;

    private final EmbeddedDriver driver = EmbeddedDriver.create();
    private final Arena arena = Arena.ofShared();
    private final AtomicReference<@Nullable Eager> eager = new AtomicReference<>();
    private final AtomicReference<@Nullable Device> device = new AtomicReference<>();

    /** Starts a device. */
    @Setup(Level.Trial)
    public void start() {
        DeviceOptions options = DeviceOptions.defaults().withDepth(DEPTH);
        device.set(Device.start(new EagerDriver(), new NullTarget(1 << 30), options));
    }

    /** Serves a batch. */
    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void nullRead() throws InterruptedException {
        Eager ring = eager.get();
        if (ring != null) {
            ring.serve();
        }
    }

    /** Deletes the device. */
    @TearDown(Level.Trial)
    public void stop() {
        Device served = device.get();
        if (served != null) {
            served.close();
        }
        arena.close();
    }

    /** The embedded driver, but for the way of requests. */
    private final class EagerDriver implements Driver {
        @Override
        public String name() {
            return driver.name();
        }

        @Override
        public int control(int commandOp, MemorySegment command, Duration timeout) {
            return driver.control(commandOp, command, timeout);
        }

        @Override
        public CharDevice open(int deviceId) {
            return new EagerDevice(driver.open(deviceId));
        }

        @Override
        public void close() {
            driver.close();
        }
    }

    private final class EagerDevice implements CharDevice {
        private final CharDevice behind;

        EagerDevice(CharDevice behind) {
            this.behind = behind;
        }

        @Override
        public int deviceId() {
            return behind.deviceId();
        }

        @Override
        public MemorySegment map(long offset, long length, Arena owner) {
            MemorySegment descriptors = owner.allocate(length, ValueLayout.JAVA_LONG.byteSize());
            for (int tag = 0; tag < DEPTH; tag++) {
                IoDescLayout.write(
                        descriptors,
                        IoDescLayout.offset(tag),
                        IoOp.UBLK_IO_OP_READ,
                        SECTORS,
                        (long) tag * SECTORS,
                        0);
            }
            return descriptors;
        }

        @Override
        public QueueRing openRing(RingOptions options) {
            Eager ring = new Eager(behind.openRing(options));
            eager.set(ring);
            return ring;
        }

        @Override
        public long pread(MemorySegment buffer, long at, long length, long position) {
            return behind.pread(buffer, at, length, position);
        }

        @Override
        public long pwrite(MemorySegment buffer, long at, long length, long position) {
            return behind.pwrite(buffer, at, length, position);
        }

        @Override
        public void close() {
            behind.close();
        }
    }

    /** A ring that answers commits by itself while it is told to. */
    private static final class Eager implements QueueRing {
        private final QueueRing behind;
        private final long[] userData = new long[DEPTH];
        private int ready = DEPTH;
        private int left;
        private volatile @Nullable CountDownLatch done;

        Eager(QueueRing behind) {
            this.behind = behind;
            for (int tag = 0; tag < DEPTH; tag++) {
                userData[tag] = tag;
            }
        }

        void serve() throws InterruptedException {
            CountDownLatch latch = new CountDownLatch(1);
            done = latch;
            behind.wake();
            latch.await();
        }

        @Override
        public Ring ring() {
            return behind.ring();
        }

        @Override
        public FileSlots files() {
            return behind.files();
        }

        @Override
        public void command(
                int commandOp, int queueId, int tag, int result, long address, long data) {
            if (commandOp == IoCommand.UBLK_U_IO_FETCH_REQ) {
                behind.command(commandOp, queueId, tag, result, address, data);
            } else {
                userData[ready++] = data;
            }
        }

        @Override
        public void commandWithSlot(
                int commandOp,
                int queueId,
                int tag,
                int result,
                int slot,
                int slotFlags,
                long data) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void batch(
                int commandOp, int queueId, int flags, int count, long elements, long data) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void fetchBatch(int queueId, TagBuffers buffers, long data) {
            throw new UnsupportedOperationException();
        }

        @Override
        public TagBuffers openTagBuffers(int count, int tags) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int run(boolean wait, CompletionHandler handler) {
            CountDownLatch latch = done;
            if (latch == null) {
                return behind.run(wait, handler);
            }
            if (left == 0) {
                left = REQUESTS;
            }
            int count = ready;
            ready = 0;
            for (int i = 0; i < count; i++) {
                handler.onCompletion(userData[i], IoResult.UBLK_IO_RES_OK, 0);
            }
            left -= count;
            if (left <= 0) {
                left = 0;
                done = null;
                latch.countDown();
            }
            return count;
        }

        @Override
        public void wake() {
            behind.wake();
        }

        @Override
        public void close() {
            behind.close();
        }
    }
}
