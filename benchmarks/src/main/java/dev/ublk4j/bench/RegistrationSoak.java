package dev.ublk4j.bench;

import dev.ublk4j.client.Attachment;
import dev.ublk4j.client.DeviceChannel;
import dev.ublk4j.client.PoolOptions;
import dev.ublk4j.client.PooledBuffer;
import dev.ublk4j.client.SharedBufferPool;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Shares memory with a device and takes it back, again and again, while an application writes from
 * that memory, reads back and compares: whatever moment a request falls into, it is whole.
 *
 * @param driver where the device is added; it stays open
 * @param cycles how often the memory is shared and taken back
 */
public record RegistrationSoak(Driver driver, int cycles) {
    private static final int BLOCK = 16 * 1024;
    private static final int BLOCKS = 256;
    private static final int DEPTH = 8;

    /**
     * What it came to.
     *
     * @param cycles how often the memory was shared and taken back
     * @param nanos how long that took
     * @param verified reads that were compared, meanwhile
     * @param shared requests that nobody copied
     * @param copied requests that the driver copied
     */
    public record Outcome(long cycles, long nanos, long verified, long shared, long copied) {}

    /**
     * Runs it.
     *
     * @throws IllegalStateException when a read brings other data than was written
     * @throws dev.ublk4j.linux.LinuxException when a request or a registration fails
     */
    public Outcome run() {
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withDepth(2 * DEPTH)
                        .with(Feature.SHMEM_ZC)
                        .withIfAble(Feature.NO_AUTO_PART_SCAN);
        PoolOptions poolOptions = PoolOptions.of(BLOCK, DEPTH).withoutHugePages();
        try (Device device =
                        Device.start(driver, new MemoryTarget((long) BLOCK * BLOCKS), options);
                SharedBufferPool pool = SharedBufferPool.create(poolOptions);
                Attachment attachment = pool.attach(new ServedBlockDevice(driver, device))) {
            Application application = new Application(attachment, pool);
            long start = System.nanoTime();
            try {
                for (int i = 0; i < cycles && application.isRunning(); i++) {
                    attachment.unshare();
                    if (!attachment.share()) {
                        throw Objects.requireNonNull(attachment.refusal());
                    }
                }
            } finally {
                application.stop();
            }
            DeviceCounters counters = device.counters();
            return new Outcome(
                    cycles,
                    System.nanoTime() - start,
                    application.verified,
                    counters.sharedRequests(),
                    counters.copiedRequests());
        }
    }

    /** The thread that does I/O. */
    private static final class Application {
        private final Attachment attachment;
        private final SharedBufferPool pool;
        private final CompletableFuture<Void> ended;
        private volatile boolean stopping;
        private volatile long verified;

        Application(Attachment attachment, SharedBufferPool pool) {
            this.attachment = attachment;
            this.pool = pool;
            this.ended =
                    CompletableFuture.runAsync(
                            this::work,
                            task -> Thread.ofPlatform().name("application").start(task));
        }

        boolean isRunning() {
            return !ended.isDone();
        }

        /** Waits for the thread to end, and tells what it has failed of. */
        void stop() {
            stopping = true;
            try {
                ended.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                throw e;
            }
        }

        private void work() {
            SplittableRandom random = new SplittableRandom(1);
            PooledBuffer[] buffers = new PooledBuffer[DEPTH];
            byte[][] expected = new byte[DEPTH][BLOCK];
            long[] positions = new long[DEPTH];
            try (DeviceChannel channel = attachment.open(DEPTH)) {
                for (int i = 0; i < DEPTH; i++) {
                    buffers[i] = pool.acquire();
                }
                long count = 0;
                while (!stopping) {
                    for (int i = 0; i < DEPTH; i++) {
                        random.nextBytes(expected[i]);
                        buffers[i].memory().copyFrom(MemorySegment.ofArray(expected[i]));
                        positions[i] = (long) BLOCK * block(random, i);
                        channel.write(buffers[i], positions[i]);
                    }
                    channel.runAll();
                    for (int i = 0; i < DEPTH; i++) {
                        buffers[i].memory().fill((byte) 0);
                        channel.read(buffers[i], positions[i]);
                    }
                    channel.runAll();
                    for (int i = 0; i < DEPTH; i++) {
                        compare(buffers[i], expected[i], positions[i]);
                    }
                    count += DEPTH;
                    verified = count;
                }
            }
        }

        /**
         * Each request has a part of the device to itself, of which it leaves the last block: a
         * kernel makes one request of two that touch.
         */
        private static int block(SplittableRandom random, int request) {
            int part = BLOCKS / DEPTH;
            return request * part + random.nextInt(part - 1);
        }

        private static void compare(PooledBuffer buffer, byte[] expected, long position) {
            long wrong = buffer.memory().mismatch(MemorySegment.ofArray(expected));
            if (wrong >= 0) {
                throw new IllegalStateException(
                        "the block at %d is corrupt from byte %d".formatted(position, wrong));
            }
        }
    }
}
