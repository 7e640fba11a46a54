package dev.ublk4j.testkit.client;

import dev.ublk4j.client.BlockAccess;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskCompletion;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.uring.CompletionHandler;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A disk of the embedded driver, which an application has open in the same process. */
final class EmbeddedAccess implements BlockAccess {
    private final Disk disk;
    private final ClientMemory memory;
    private final ArrayDeque<Flight> idle = new ArrayDeque<>();
    private final BlockingQueue<Flight> ended = new LinkedBlockingQueue<>();

    EmbeddedAccess(Disk disk, MemorySegment memory) {
        this.disk = disk;
        try {
            this.memory = new ClientMemory(memory);
        } catch (Throwable e) {
            disk.close();
            throw e;
        }
    }

    /** A request, and what its caller calls it. */
    private final class Flight implements DiskCompletion {
        private final DiskRequest request = new DiskRequest(this);
        private long userData;
        private int result;

        @Override
        public void onDone(DiskRequest done, long bytes) {
            result = (int) bytes;
            ended.add(this);
        }
    }

    private Flight flight(long userData) {
        Flight flight = idle.isEmpty() ? new Flight() : idle.pop();
        flight.userData = userData;
        return flight;
    }

    @Override
    public long size() {
        return disk.size();
    }

    @Override
    public void read(long address, int length, long offset, long userData) {
        DiskRequest request = flight(userData).request.read(offset);
        disk.submit(request.add(memory, address - memory.memory().address(), length));
    }

    @Override
    public void write(long address, int length, long offset, long userData) {
        DiskRequest request = flight(userData).request.write(offset);
        disk.submit(request.add(memory, address - memory.memory().address(), length));
    }

    @Override
    public void flush(long userData) {
        disk.submit(flight(userData).request.flush());
    }

    @Override
    public int run(int minimum, CompletionHandler handler) {
        return run(minimum, Long.MAX_VALUE, handler);
    }

    @Override
    public int run(int minimum, long timeoutNanos, CompletionHandler handler) {
        long deadline = System.nanoTime() + timeoutNanos;
        int count = 0;
        for (Flight next = next(minimum > 0, timeoutNanos);
                next != null;
                next = next(count < minimum, deadline - System.nanoTime())) {
            count++;
            idle.push(next);
            handler.onCompletion(next.userData, next.result, 0);
        }
        return count;
    }

    private @Nullable Flight next(boolean wait, long nanos) {
        try {
            return wait ? ended.poll(nanos, TimeUnit.NANOSECONDS) : ended.poll();
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

    @Override
    public String toString() {
        return disk.toString();
    }
}
