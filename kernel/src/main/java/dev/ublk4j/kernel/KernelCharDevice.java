package dev.ublk4j.kernel;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** An open {@code /dev/ublkcN}. */
final class KernelCharDevice implements CharDevice {
    private final int deviceId;
    private final Fd fd;

    KernelCharDevice(int deviceId, Fd fd) {
        this.deviceId = deviceId;
        this.fd = fd;
    }

    @Override
    public int deviceId() {
        return deviceId;
    }

    @Override
    public MemorySegment map(long offset, long length, Arena arena) {
        return Mapping.map(
                fd,
                offset,
                length,
                Mapping.PROT_READ,
                Mapping.MAP_SHARED | Mapping.MAP_POPULATE,
                arena);
    }

    @Override
    public QueueRing openRing(RingOptions options) {
        return new KernelQueueRing(fd, options);
    }

    @Override
    public long pread(MemorySegment buffer, long position) {
        return fd.pread(buffer, position);
    }

    @Override
    public long pwrite(MemorySegment buffer, long position) {
        return fd.pwrite(buffer, position);
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
