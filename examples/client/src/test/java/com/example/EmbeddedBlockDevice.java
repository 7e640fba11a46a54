package com.example;

import dev.ublk4j.client.BlockAccess;
import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.client.Sharing;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A device that is served in this process, as a client sees one of the machine. */
record EmbeddedBlockDevice(EmbeddedDriver driver, Device device) implements BlockDevice {
    @Override
    public BlockAccess open(MemorySegment memory, int depth) {
        return new Access(driver.openBlock(device.id()), new ClientMemory(memory));
    }

    @Override
    public Sharing share(SharedMemory memory) {
        // A mapping of its own, as another process would have.
        Arena arena = Arena.ofShared();
        SharedBuffer buffer = device.share(memory.map(arena, false), false);
        return new Sharing() {
            @Override
            public boolean isActive() {
                return arena.scope().isAlive();
            }

            @Override
            public void close() {
                if (isActive()) {
                    buffer.close();
                    arena.close();
                }
            }
        };
    }

    private record Ended(long userData, long result) {}

    private static final class Access implements BlockAccess {
        private final Disk disk;
        private final ClientMemory memory;
        private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();

        Access(Disk disk, ClientMemory memory) {
            this.disk = disk;
            this.memory = memory;
        }

        private DiskRequest request(long userData) {
            return new DiskRequest((_, bytes) -> ended.add(new Ended(userData, bytes)));
        }

        @Override
        public long size() {
            return disk.size();
        }

        @Override
        public void read(long address, int length, long offset, long userData) {
            DiskRequest read = request(userData).read(offset);
            disk.submit(read.add(memory, address - memory.memory().address(), length));
        }

        @Override
        public void write(long address, int length, long offset, long userData) {
            DiskRequest write = request(userData).write(offset);
            disk.submit(write.add(memory, address - memory.memory().address(), length));
        }

        @Override
        public void flush(long userData) {
            disk.submit(request(userData).flush());
        }

        @Override
        public int run(int minimum, CompletionHandler handler) {
            return run(minimum, Long.MAX_VALUE, handler);
        }

        @Override
        public int run(int minimum, long timeoutNanos, CompletionHandler handler) {
            int count = 0;
            try {
                Ended next = minimum > 0 ? ended.poll(timeoutNanos, TimeUnit.NANOSECONDS) : ended.poll();
                while (next != null) {
                    count++;
                    handler.onCompletion(next.userData(), (int) next.result(), 0);
                    next = ended.poll();
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted while I/O is in flight", e);
            }
            return count;
        }

        @Override
        public void close() {
            disk.close();
            memory.close();
        }
    }
}
