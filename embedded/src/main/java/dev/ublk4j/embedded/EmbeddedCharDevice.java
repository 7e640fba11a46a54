package dev.ublk4j.embedded;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** The descriptor of an open char device. */
final class EmbeddedCharDevice implements CharDevice {
    private final CharFile file;
    private final Device device;
    private final AtomicBoolean closed = new AtomicBoolean();

    EmbeddedCharDevice(CharFile file) {
        this.file = file;
        this.device = file.device();
    }

    @Override
    public int deviceId() {
        return device.id();
    }

    @Override
    @SuppressWarnings("restricted") // a mapping has a life of its own, besides the device's memory
    public MemorySegment map(long offset, long length, Arena arena) {
        requireOpen("mmap");
        long distance =
                BufferOffset.descriptorBytes(
                        BufferOffset.UBLK_MAX_QUEUE_DEPTH,
                        device.description().descriptorBytes(),
                        Device.PAGE_BYTES);
        long queue = (offset - BufferOffset.UBLKSRV_CMD_BUF_OFFSET) / distance;
        if (offset < BufferOffset.UBLKSRV_CMD_BUF_OFFSET
                || (offset & (Device.PAGE_BYTES - 1)) != 0
                || queue >= device.queues()) {
            throw refused("mmap", "offset " + offset, Errno.EINVAL);
        }
        MemorySegment descriptors = device.queue((int) queue).descriptors();
        long wholePages = (length + Device.PAGE_BYTES - 1) & -Device.PAGE_BYTES;
        if (length <= 0 || wholePages != descriptors.byteSize()) {
            throw refused("mmap", "length " + length, Errno.EINVAL);
        }
        file.get();
        try {
            return MemorySegment.ofAddress(descriptors.address())
                    .reinterpret(length, arena, unmapped -> file.put())
                    .asReadOnly();
        } catch (RuntimeException e) {
            file.put(); // the arena is closed
            throw e;
        }
    }

    @Override
    public QueueRing openRing(RingOptions options) {
        requireOpen("io_uring_setup");
        return new EmbeddedQueueRing(file, options);
    }

    @Override
    public long pread(MemorySegment buffer, long position) {
        return closed.get() ? Errno.EBADF.negated() : UserCopy.copy(device, buffer, position, true);
    }

    @Override
    public long pwrite(MemorySegment buffer, long position) {
        return closed.get()
                ? Errno.EBADF.negated()
                : UserCopy.copy(device, buffer, position, false);
    }

    private void requireOpen(String call) {
        if (closed.get()) {
            throw refused(call, "closed", Errno.EBADF);
        }
    }

    private LinuxException refused(String call, String what, Errno errno) {
        return new LinuxException(call, this + ", " + what, errno.negated());
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            file.put();
        }
    }

    @Override
    public String toString() {
        return "/dev/ublkc" + device.id();
    }
}
