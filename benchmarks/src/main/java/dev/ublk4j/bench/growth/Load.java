package dev.ublk4j.bench.growth;

import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.EmbeddedOptions;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/**
 * Devices of the embedded driver, with 4 KiB writes under way in every queue.
 *
 * <p>The thread of a queue is client and server in one: what completes a request sends the next.
 */
final class Load implements AutoCloseable {
    private static final int BLOCK = 4096;

    /** As many processors as a device may have queues. */
    private static final int PROCESSORS = 16;

    private final EmbeddedDriver driver =
            EmbeddedDriver.create(EmbeddedOptions.defaults().withCpus(PROCESSORS));
    private final Arena arena = Arena.ofShared();
    private final ClientMemory memory = new ClientMemory(arena.allocate(BLOCK, BLOCK));
    private final List<Device> devices = new ArrayList<>();
    private final List<Disk> disks = new ArrayList<>();
    private final int queues;
    private final int depth;

    /**
     * Starts devices.
     *
     * @param target makes the target of each
     */
    Load(int devices, int queues, int depth, Supplier<Target> target) {
        this.queues = queues;
        this.depth = depth;
        DeviceOptions options =
                DeviceOptions.defaults().withQueues(queues).withDepth(depth).withMaxIo(BLOCK);
        for (int i = 0; i < devices; i++) {
            Device device = Device.start(driver, target.get(), options);
            this.devices.add(device);
            disks.add(driver.openBlock(device.id()));
        }
    }

    /** {@return how many writes are under way at the same time} */
    int streams() {
        return disks.size() * queues * depth;
    }

    /** Writes so many blocks, one after the other, in each place where one is under way. */
    void run(int writes) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(streams());
        for (Disk disk : disks) {
            for (int queue = 0; queue < queues; queue++) {
                for (int i = 0; i < depth; i++) {
                    new Stream(disk, queue, writes, ended).submit();
                }
            }
        }
        ended.await();
    }

    /** One write after the other, through one queue. */
    private final class Stream {
        private final Disk disk;
        private final int queue;
        private final CountDownLatch ended;
        private final DiskRequest request = new DiskRequest((_, result) -> next(result));
        private int left;

        Stream(Disk disk, int queue, int writes, CountDownLatch ended) {
            this.disk = disk;
            this.queue = queue;
            this.left = writes;
            this.ended = ended;
        }

        void submit() {
            disk.submit(request.write((long) queue * BLOCK).add(memory, 0, BLOCK), queue);
        }

        private void next(long result) {
            if (result < 0) {
                throw new IllegalStateException("a write has failed: " + result);
            }
            if (--left > 0) {
                submit();
            } else {
                ended.countDown();
            }
        }
    }

    @Override
    public void close() {
        disks.forEach(Disk::close);
        devices.forEach(Device::close);
        driver.close();
        memory.close();
        arena.close();
    }
}
