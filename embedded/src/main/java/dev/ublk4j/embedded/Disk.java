package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.QueueLimits;
import dev.ublk4j.embedded.block.RequestSplitter;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open disk, as an application has {@code /dev/ublkbN} open with {@code O_DIRECT}.
 *
 * <p>{@link #submit} is the way that does not wait and allocates nothing; it may be called by the
 * thread that serves the disk. The calls that wait ({@link #read}, {@link #write}, {@link #flush},
 * {@link #discard}, {@link #writeZeroes}) must not. Any number of threads.
 */
public final class Disk implements AutoCloseable {
    private final BlockDisk disk;
    private final AtomicBoolean closed = new AtomicBoolean();

    Disk(BlockDisk disk) {
        this.disk = disk;
    }

    /** {@return the device's number} */
    public int deviceId() {
        return disk.device().id();
    }

    /** {@return the size in bytes; 0 once the device has been stopped} */
    public long size() {
        return disk.capacitySectors() << 9;
    }

    /** {@return the unit of addressing, bytes} */
    public int logicalBlockBytes() {
        return disk.limits().logicalBlockBytes();
    }

    /** {@return the unit that is written without reading first, bytes} */
    public int physicalBlockBytes() {
        return disk.limits().physicalBlockBytes();
    }

    /** {@return whether writes are refused} */
    public boolean isReadOnly() {
        return disk.isReadOnly();
    }

    /** {@return whether writes may be lost until a flush} */
    public boolean hasVolatileCache() {
        return disk.hasVolatileCache();
    }

    /** {@return whether the device takes discards} */
    public boolean canDiscard() {
        return disk.limits().maxDiscardSectors() != 0;
    }

    /** {@return whether the device takes writes of zeroes} */
    public boolean canWriteZeroes() {
        return disk.limits().maxWriteZeroesSectors() != 0;
    }

    /** {@return the hardware queues of the device} */
    public int queues() {
        return disk.queues();
    }

    /**
     * Submits a request to the queue of the calling thread; see {@link #submit(DiskRequest, int)}.
     */
    public void submit(DiskRequest request) {
        submit(request, (int) (Thread.currentThread().threadId() % disk.queues()));
    }

    /**
     * Submits a request. It is cut to the device's limits, never merged, and done when all of its
     * parts are.
     *
     * <p>What is wrong with a request is its result, and then told before this method returns:
     * those errors that {@link RequestSplitter#validate} names, and {@code EIO} when the device has
     * been stopped.
     *
     * @param request not in use
     * @param queue a hardware queue, below {@link #queues}
     */
    public void submit(DiskRequest request, int queue) {
        Submission submission = request.submission();
        if (closed.get()) {
            request.done(Errno.EBADF.negated());
            return;
        }
        boolean isFlush = request.op() == IoOp.UBLK_IO_OP_FLUSH;
        if (isFlush && !disk.hasVolatileCache()) {
            request.done(0); // nothing to do, on a disk that has been removed as well
            return;
        }
        if (disk.isDead()) {
            request.done(BlockDisk.REMOVED);
            return;
        }
        QueueLimits limits = disk.limits();
        int valid =
                submission
                        .splitter(limits)
                        .validate(
                                request.op(),
                                request.position() >> 9,
                                request.length(),
                                request.segments(),
                                disk.capacitySectors(),
                                disk.isReadOnly());
        if (valid < 0 || (request.position() & 511) != 0) {
            request.done(valid < 0 ? valid : Errno.EINVAL.negated());
            return;
        }
        if (!isFlush && request.length() == 0) {
            request.done(0);
            return;
        }
        boolean through = (request.flags() & IoFlag.UBLK_IO_F_FUA) != 0 && disk.hasVolatileCache();
        boolean emulated = through && !disk.knowsFua();
        int flags = request.flags();
        if (!through || emulated) {
            flags &= ~IoFlag.UBLK_IO_F_FUA;
        }
        submission.begin(flags, emulated);
        disk.queue(queue).submit(submission);
    }

    /**
     * Reads and waits, as {@code pread(2)} does with {@code O_DIRECT}.
     *
     * @param destination native memory
     * @param position where on the disk, bytes
     * @return bytes, fewer at the end of the disk and 0 behind it; or a negative errno
     */
    public long read(MemorySegment destination, long position) {
        long size = size();
        if (destination.byteSize() == 0 || position >= size) {
            return 0;
        }
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().read(position).add(upTo(destination, size - position));
        return waiting.submitTo(this);
    }

    /**
     * Writes and waits, as {@code pwrite(2)} does with {@code O_DIRECT}.
     *
     * @param source native memory
     * @param position where on the disk, bytes
     * @return bytes, fewer at the end of the disk; or a negative errno, {@code ENOSPC} behind the
     *     end
     */
    public long write(MemorySegment source, long position) {
        long size = size();
        if (disk.isReadOnly()) {
            return Errno.EPERM.negated();
        }
        if (source.byteSize() == 0) {
            return 0;
        }
        if (position >= size) {
            return Errno.ENOSPC.negated();
        }
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().write(position).add(upTo(source, size - position));
        return waiting.submitTo(this);
    }

    private static MemorySegment upTo(MemorySegment memory, long limit) {
        return memory.byteSize() <= limit ? memory : memory.asSlice(0, limit);
    }

    /**
     * Flushes and waits, as {@code fdatasync(2)} does.
     *
     * @return 0, or a negative errno
     */
    public long flush() {
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().flush();
        return waiting.submitTo(this);
    }

    /**
     * Discards and waits, as {@code BLKDISCARD} does.
     *
     * @param position where on the disk, bytes
     * @param bytes how much
     * @return bytes, or a negative errno
     */
    public long discard(long position, long bytes) {
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().discard(position, bytes);
        return waiting.submitTo(this);
    }

    /**
     * Writes zeroes and waits; where the device has no such operation the answer is {@code
     * EOPNOTSUPP}, and the caller writes.
     *
     * @param position where on the disk, bytes
     * @param bytes how much
     * @param mayUnmap whether the space may be given back
     * @return bytes, or a negative errno
     */
    public long writeZeroes(long position, long bytes, boolean mayUnmap) {
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().writeZeroes(position, bytes, mayUnmap);
        return waiting.submitTo(this);
    }

    /** Closes the disk; a second call does nothing. Requests under way still end. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            disk.closed();
        }
    }

    @Override
    public String toString() {
        return disk + (closed.get() ? ", closed" : "");
    }
}
