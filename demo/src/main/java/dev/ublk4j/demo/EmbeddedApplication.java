package dev.ublk4j.demo;

import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** An application of the embedded driver: it has the disk open in the same process. */
final class EmbeddedApplication implements Application {
    private final Disk disk;
    private final ClientMemory memory;
    private final ArrayDeque<DiskRequest> idle = new ArrayDeque<>();
    private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();

    /** A request that has ended, on its way from the thread that ended it. */
    private record Ended(DiskRequest request, long result) {}

    EmbeddedApplication(EmbeddedDriver driver, int deviceId, MemorySegment memory) {
        this.memory = new ClientMemory(memory);
        this.disk = driver.openBlock(deviceId);
    }

    @Override
    public void submit(boolean write, long offset, int length, long position) {
        DiskRequest request = idle.isEmpty() ? new DiskRequest(this::onDone) : idle.pop();
        disk.submit(
                (write ? request.write(position) : request.read(position))
                        .add(memory, offset, length));
    }

    private void onDone(DiskRequest request, long result) {
        ended.add(new Ended(request, result));
    }

    @Override
    public void await(int count) {
        try {
            for (int i = 0; i < count; i++) {
                Ended next = ended.take();
                LinuxException.check("direct I/O", disk.toString(), next.result());
                idle.push(next.request());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while I/O is under way", e);
        }
    }

    @Override
    public void close() {
        disk.close();
        memory.close();
    }
}
