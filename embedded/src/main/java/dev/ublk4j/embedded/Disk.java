package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.ZoneLayout;
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
    private final Gendisk disk;
    private final AtomicBoolean closed = new AtomicBoolean();

    Disk(Gendisk disk) {
        this.disk = disk;
    }

    /** {@return the device's number} */
    public int deviceId() {
        return disk.id();
    }

    /** {@return the size in bytes; 0 once the device has been stopped} */
    public long size() {
        return Sectors.toBytes(disk.capacitySectors());
    }

    /** Ends when it is closed. */
    public interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Has somebody told whenever the size has changed, as the kernel tells udev.
     *
     * @param watcher called on the thread that has changed it; must not wait, nor throw
     * @return ends it; a call that is under way may still end afterwards
     */
    public Watch onResize(Runnable watcher) {
        disk.watches().add(watcher);
        return () -> disk.watches().remove(watcher);
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
        return disk.attributes().readOnly();
    }

    /** {@return whether writes may be lost until a flush} */
    public boolean hasVolatileCache() {
        return disk.attributes().volatileCache();
    }

    /** {@return whether the device takes discards} */
    public boolean canDiscard() {
        return disk.limits().maxDiscardSectors() != 0;
    }

    /** {@return whether the device takes writes of zeroes} */
    public boolean canWriteZeroes() {
        return disk.limits().maxWriteZeroesSectors() != 0;
    }

    /** {@return the bytes of integrity metadata for some of data; 0 on a disk without any} */
    public long metadataBytes(long bytes) {
        return disk.limits().metadataOf(bytes);
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
     * <p>What is wrong with a request is its result, and then told before this method returns: the
     * errors that Linux has for it, such as {@code EINVAL} for what is no whole block, and {@code
     * EIO} when the device has been stopped, or {@code EINVAL} for a change of zones.
     *
     * @param request not in use
     * @param queue a hardware queue, below {@link #queues}
     */
    public void submit(DiskRequest request, int queue) {
        if (closed.get()) {
            request.done(Errno.EBADF.negated());
        } else {
            disk.submit(request.submission(), queue);
        }
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
        return submitAndWait(waiting);
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
        if (disk.attributes().readOnly()) {
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
        return submitAndWait(waiting);
    }

    long submitAndWait(BlockingRequest waiting) {
        submit(waiting.request());
        return waiting.await();
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
        return submitAndWait(waiting);
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
        return submitAndWait(waiting);
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
        return submitAndWait(waiting);
    }

    /** {@return the bytes of a zone, or 0 for a disk without zones} */
    public long zoneBytes() {
        return disk.limits().areZoned() ? Sectors.toBytes(disk.limits().chunkSectors()) : 0;
    }

    /** {@return the most bytes of a zone append, or 0 for a disk without zones} */
    public long maxAppendBytes() {
        return Sectors.toBytes(disk.limits().maxZoneAppendSectors());
    }

    /**
     * Changes one zone and waits, as {@code BLKOPENZONE} and its like do.
     *
     * @param position where the zone begins, bytes
     * @return 0, or a negative errno
     */
    public long changeZone(ZoneChange change, long position) {
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().zone(change, position);
        return submitAndWait(waiting);
    }

    /**
     * Resets all zones and waits, as {@code BLKRESETZONE} of the whole disk does.
     *
     * @return 0, or a negative errno
     */
    public long resetAllZones() {
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().resetAllZones();
        return submitAndWait(waiting);
    }

    /**
     * Writes at the write pointer of a zone and waits.
     *
     * @param source native memory
     * @param position where the zone begins, bytes
     * @return where the data is now, or a negative errno
     */
    public long append(MemorySegment source, long position) {
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().append(position).add(source);
        long result = submitAndWait(waiting);
        return result < 0 ? result : waiting.request().appended();
    }

    /**
     * Reads what zones are like and waits, as {@code BLKREPORTZONE} does.
     *
     * @param position where the first zone begins, bytes
     * @param zones native memory for an array of {@code struct blk_zone}
     * @return how many have been read, or a negative errno
     */
    public long reportZones(long position, MemorySegment zones) {
        long bytes = zoneBytes();
        if (bytes == 0) {
            return Errno.EOPNOTSUPP.negated();
        }
        long left = (size() - position) / bytes;
        int count = (int) Math.min(left, zones.byteSize() / ZoneLayout.SIZE);
        if (position < 0 || count <= 0) {
            return 0;
        }
        MemorySegment part = zones.asSlice(0, (long) count * ZoneLayout.SIZE);
        BlockingRequest waiting = new BlockingRequest();
        waiting.request().reportZones(position / bytes * bytes, count).add(part);
        long result = submitAndWait(waiting);
        return result < 0 ? result : count;
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
