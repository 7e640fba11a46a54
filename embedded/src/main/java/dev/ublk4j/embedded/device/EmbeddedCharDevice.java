package dev.ublk4j.embedded.device;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.embedded.queue.CharDeviceCopy;
import dev.ublk4j.embedded.queue.QueueSet;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/** The descriptor of an open char device. */
final class EmbeddedCharDevice implements CharDevice {
    private final int id;
    private final CharFile file;
    private final DeviceLife life;
    private final QueueSet queues;
    private final BooleanSupplier gone;
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Makes one of an opening.
     *
     * @param gone whether nobody refers to the device any more
     */
    EmbeddedCharDevice(
            int id, CharFile file, DeviceLife life, QueueSet queues, BooleanSupplier gone) {
        this.id = id;
        this.file = file;
        this.life = life;
        this.queues = queues;
        this.gone = gone;
    }

    @Override
    public int deviceId() {
        return id;
    }

    @Override
    public MemorySegment map(long offset, long length, Arena arena) {
        requireOpen("mmap");
        long distance =
                BufferOffset.descriptorBytes(
                        BufferOffset.UBLK_MAX_QUEUE_DEPTH,
                        queues.description().descriptorBytes(),
                        Pages.SIZE);
        long queue = (offset - BufferOffset.UBLKSRV_CMD_BUF_OFFSET) / distance;
        if (offset < BufferOffset.UBLKSRV_CMD_BUF_OFFSET
                || !Pages.isAligned(offset)
                || queue >= queues.count()) {
            throw refused("mmap", "offset " + offset, Errno.EINVAL);
        }
        MemorySegment descriptors = queues.queue((int) queue).descriptors();
        if (length <= 0 || Pages.ceiling(length) != descriptors.byteSize()) {
            throw refused("mmap", "length " + length, Errno.EINVAL);
        }
        file.get();
        try {
            // A mapping has a life of its own, besides the device's memory.
            return UserMemory.at(descriptors.address(), length, arena, unmapped -> file.put())
                    .asReadOnly();
        } catch (Throwable e) {
            file.put(); // the arena is closed
            throw e;
        }
    }

    @Override
    public QueueRing openRing(RingOptions options) {
        requireOpen("io_uring_setup");
        return file.openRing(options);
    }

    @Override
    public long pread(MemorySegment buffer, long at, long length, long position) {
        return copy(buffer, at, length, position, true);
    }

    @Override
    public long pwrite(MemorySegment buffer, long at, long length, long position) {
        return copy(buffer, at, length, position, false);
    }

    @Override
    public boolean pinsBuffers() {
        return false;
    }

    private long copy(MemorySegment buffer, long at, long length, long position, boolean reading) {
        Objects.checkFromIndexSize(at, length, buffer.byteSize());
        if (closed.get()) {
            return Errno.EBADF.negated();
        }
        if (position < 0) {
            return Errno.EINVAL.negated();
        }
        return life.isDead()
                ? Errno.EACCES.negated()
                : CharDeviceCopy.copy(queues, buffer, at, length, position, reading);
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
    public boolean isGone() {
        return gone.getAsBoolean();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            file.put();
        }
    }

    @Override
    public String toString() {
        return "/dev/ublkc" + id;
    }
}
