package dev.ublk4j.testkit.fault;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A char device whose rings have faults. */
final class FaultyCharDevice implements CharDevice {
    private static final int ROOM = 4;
    private static final int MAX_ENTRIES = 16_384;

    private final FaultyDriver server;
    private final CharDevice device;

    FaultyCharDevice(FaultyDriver server, CharDevice device) {
        this.server = server;
        this.device = device;
    }

    @Override
    public int deviceId() {
        return device.deviceId();
    }

    @Override
    public MemorySegment map(long offset, long length, Arena arena) {
        return device.map(offset, length, arena);
    }

    @Override
    public QueueRing openRing(RingOptions options) {
        // Roomy, so that what a target prepares is still there to be looked at when a pass begins.
        int entries = Math.min(MAX_ENTRIES, ROOM * options.entries());
        return new FaultyQueueRing(server, device.openRing(options.withEntries(entries)));
    }

    @Override
    public long pread(MemorySegment buffer, long at, long length, long position) {
        return device.pread(buffer, at, length, position);
    }

    @Override
    public long pwrite(MemorySegment buffer, long at, long length, long position) {
        return device.pwrite(buffer, at, length, position);
    }

    @Override
    public void pages(Ring ring, int commandOp, int queueId, int tag, int slot, long userData) {
        device.pages(ring, commandOp, queueId, tag, slot, userData);
    }

    @Override
    public boolean pinsBuffers() {
        return device.pinsBuffers();
    }

    @Override
    public boolean isGone() {
        return device.isGone();
    }

    @Override
    public void close() {
        device.close();
    }

    @Override
    public String toString() {
        return device.toString();
    }
}
