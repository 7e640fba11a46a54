package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.BufferOffset;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uring.Fallocate;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;

/**
 * A device kept in a regular file or on another block device.
 *
 * <p>All of its I/O goes over the ring of the queue that the request came from, so that one system
 * call carries the I/O of some requests and the answers of others. Each queue's ring has the file
 * as its registered file 0.
 */
public final class FileTarget implements Target {
    /** The place of the file among the ring's registered files. */
    private static final int FILE = 0;

    /** The unit that file systems free. */
    private static final int DISCARD_GRANULARITY = 4096;

    /** {@code RWF_DSYNC} of {@code linux/fs.h}: the write is durable when it completes. */
    private static final int RWF_DSYNC = 2;

    /** The I/O under way moves data, and may move less than it was asked to. */
    private static final int STEP_TRANSFER = 0;

    /** The I/O under way ends the request. */
    private static final int STEP_LAST = 1;

    private final BackingFile file;
    private final Geometry geometry;

    /**
     * By queue, the bytes of each tag's request that have been moved. A queue's thread touches its
     * own.
     */
    private final int[][] moved = new int[BufferOffset.UBLK_MAX_NR_QUEUES][];

    /**
     * Serves a file.
     *
     * @param file belongs to the target from now on
     */
    public FileTarget(BackingFile file) {
        this.file = file;
        Geometry shape =
                Geometry.ofSize(file.size())
                        .withBlockSize(file.blockSize())
                        .withDmaAlignment(file.memoryAlignment())
                        .withForcedUnitAccess();
        this.geometry =
                file.isReadOnly()
                        ? shape.asReadOnly()
                        : shape.withDiscard(DISCARD_GRANULARITY).withWriteZeroes();
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public void resize(long bytes) {
        file.provide(bytes);
    }

    @Override
    public void queueStarted(Queue queue) {
        moved[queue.id()] = new int[queue.depth()];
        queue.ring().registerFiles(new int[] {file.fd().number()});
    }

    @Override
    public int read(Request request) {
        return transfer(request, 0);
    }

    @Override
    public int write(Request request) {
        return transfer(request, 0);
    }

    @Override
    public int flush(Request request) {
        Queue queue = request.queue();
        long userData = queue.userData(request.id(), STEP_LAST);
        queue.ring().fsync(FILE, true, userData);
        queue.ring().setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        return Request.PENDING;
    }

    @Override
    public int discard(Request request) {
        return allocate(request, Fallocate.FALLOC_FL_PUNCH_HOLE | Fallocate.FALLOC_FL_KEEP_SIZE);
    }

    @Override
    public int writeZeroes(Request request) {
        int mode =
                request.keepsAllocation()
                        ? Fallocate.FALLOC_FL_ZERO_RANGE
                        : Fallocate.FALLOC_FL_PUNCH_HOLE;
        return allocate(request, mode | Fallocate.FALLOC_FL_KEEP_SIZE);
    }

    private static int allocate(Request request, int mode) {
        Queue queue = request.queue();
        long userData = queue.userData(request.id(), STEP_LAST);
        queue.ring().fallocate(FILE, mode, request.offset(), request.length(), userData);
        queue.ring().setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        return Request.PENDING;
    }

    private int transfer(Request request, int from) {
        Queue queue = request.queue();
        moved[queue.id()][request.tag()] = from;
        Ring ring = queue.ring();
        long address = request.address() + from;
        int length = (int) request.length() - from;
        long offset = request.offset() + from;
        int buffer = request.fixedBuffer();
        boolean fixed = buffer >= 0;
        long userData = queue.userData(request.id(), STEP_TRANSFER);
        if (request.op() == IoOp.UBLK_IO_OP_READ) {
            if (fixed) {
                ring.readFixed(FILE, address, length, offset, buffer, userData);
            } else {
                ring.read(FILE, address, length, offset, userData);
            }
        } else {
            if (fixed) {
                ring.writeFixed(FILE, address, length, offset, buffer, userData);
            } else {
                ring.write(FILE, address, length, offset, userData);
            }
            if (request.forcesUnitAccess()) {
                ring.setOperationFlags(RWF_DSYNC);
            }
        }
        ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        return Request.PENDING;
    }

    @Override
    public int resume(Request request, int step, int result) {
        if (step == STEP_LAST) {
            return result;
        }
        int before = moved[request.queue().id()][request.tag()];
        if (result == Errno.EAGAIN.negated() || result == Errno.EINTR.negated()) {
            return transfer(request, before);
        }
        if (result < 0) {
            return result;
        }
        if (result == 0) {
            // The file has been cut off under the device: this part of it is no longer there.
            return Errno.EIO.negated();
        }
        int now = before + result;
        return now < request.length() ? transfer(request, now) : now;
    }

    /** The data of requests is io_uring's business. */
    @Override
    public boolean needsData() {
        return false;
    }

    /** What the file system says of holes. */
    @Override
    public AllocationMap allocation() {
        return this::describe;
    }

    private void describe(long offset, long length, Extents extents) {
        long end = offset + length;
        long at = offset;
        boolean more = true;
        while (more && at < end) {
            long data = file.fd().seek(at, Fd.SEEK_DATA);
            if (data == Errno.ENXIO.negated()) {
                data = end;
            } else if (data < 0) {
                // A block device, for example, cannot tell.
                data = at;
            }
            more = extents.add(Math.min(data, end) - at, false);
            at = Math.min(data, end);
            if (more && at < end) {
                long hole = file.fd().seek(at, Fd.SEEK_HOLE);
                long next = hole <= at ? end : Math.min(hole, end);
                more = extents.add(next - at, true);
                at = next;
            }
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
