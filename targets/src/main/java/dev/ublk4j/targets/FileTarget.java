package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uring.Fallocate;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;

/**
 * A device kept in a regular file or on another block device.
 *
 * <p>All of its I/O goes over the ring of the queue that the request came from, so that one system
 * call carries the I/O of some requests and the answers of others. Each queue's ring has the file
 * as its registered file 0.
 *
 * <p>A flush that fails is not tried again with success: Linux marks pages clean that it could not
 * write, and tells of it once, so that the next {@code fsync} answers 0 for data that is gone
 * (Rebello et al., <i>Can Applications Recover from fsync Failures?</i>, USENIX ATC 2020). So from
 * the first failure on, of whichever queue, every flush and every durable write fails with {@code
 * EIO}, until the file is opened again. What is not covered is the moment between the kernel's
 * telling one queue and that queue's hearing it, in which another's may end well.
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

    /** The I/O under way makes durable what has been written. */
    private static final int STEP_SYNC = 2;

    private static final System.Logger LOG = System.getLogger(FileTarget.class.getName());

    private final BackingFile file;
    private final Geometry geometry;

    /** Whether the file system has once failed to write what it had taken. */
    private volatile boolean lost;

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
        if (lost && request.forcesUnitAccess()) {
            return Errno.EIO.negated();
        }
        return transfer(request, 0);
    }

    @Override
    public void queueStopped(Queue queue) {
        if (queue.hasIoLeft()) {
            file.leaveToIo();
        } else {
            // The kernel takes a ring down at its leisure, and a block device would stay claimed.
            queue.ring().unregisterFiles();
        }
    }

    @Override
    public int flush(Request request) {
        if (lost) {
            return Errno.EIO.negated();
        }
        return sync(request);
    }

    private static int sync(Request request) {
        Queue queue = request.queue();
        long userData = queue.userData(request.id(), STEP_SYNC);
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

    private int allocate(Request request, int mode) {
        Queue queue = request.queue();
        long userData = queue.userData(request.id(), STEP_LAST);
        queue.ring()
                .fallocate(FILE, mode, file.start() + request.offset(), request.length(), userData);
        queue.ring().setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        return Request.PENDING;
    }

    private int transfer(Request request, int from) {
        Queue queue = request.queue();
        moved[queue.id()][request.tag()] = from;
        Ring ring = queue.ring();
        long address = request.address() + from;
        int length = (int) request.length() - from;
        long offset = file.start() + request.offset() + from;
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
        boolean again = result == Errno.EAGAIN.negated() || result == Errno.EINTR.negated();
        if (step == STEP_SYNC) {
            return again ? sync(request) : durable(request, result);
        }
        if (step == STEP_LAST) {
            return result;
        }
        int before = moved[request.queue().id()][request.tag()];
        if (again) {
            return transfer(request, before);
        }
        if (result < 0) {
            boolean syncs = request.forcesUnitAccess() && !isOfTheWriteAlone(result);
            return syncs ? durable(request, result) : result;
        }
        if (result == 0) {
            // The file has been cut off under the device: this part of it is no longer there.
            return Errno.EIO.negated();
        }
        int now = before + result;
        if (now < request.length()) {
            return transfer(request, now);
        }
        return request.forcesUnitAccess() ? durable(request, now) : now;
    }

    /**
     * {@return the answer to a request that makes data durable} One that failed is remembered, and
     * one that went well while another failed has failed, too.
     */
    private int durable(Request request, int result) {
        if (result < 0 && !lost) {
            lost = true;
            LOG.log(
                    Level.ERROR,
                    () ->
                            ("%s: %s failed with errno %d; what was written may be lost, so"
                                            + " flushes and durable writes fail until the file is"
                                            + " opened again")
                                    .formatted(file.fd().name(), request, -result));
        }
        return result >= 0 && lost ? Errno.EIO.negated() : result;
    }

    /** {@return whether an errno of a durable write says that it was refused before it began} */
    private boolean isOfTheWriteAlone(int result) {
        return result == Errno.EINVAL.negated()
                || result == Errno.EOPNOTSUPP.negated()
                || result == Errno.EFAULT.negated()
                // Past the page cache space is looked for by the write itself.
                || (file.isDirect() && result == Errno.ENOSPC.negated());
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
        // What the file no longer has is no zeroes: reads there fail. It counts as data.
        long here = Math.clamp(floor(file.missingFrom(offset)), offset, end);
        long at = offset;
        boolean more = true;
        while (more && at < here) {
            long data = Math.max(at, Math.min(seek(at, Fd.SEEK_DATA, here, at), here));
            long hole = data < here ? seek(data, Fd.SEEK_HOLE, here, here) : here;
            long begin = Math.max(at, floor(data));
            more = extents.add(begin - at, false);
            at = begin;
            if (more && at < here) {
                // A hole where there was data a moment ago: it may be either.
                long next = hole <= at ? here : Math.min(ceiling(hole), here);
                more = extents.add(next - at, true);
                at = next;
            }
        }
        if (more) {
            boolean _ = extents.add(end - here, true);
        }
    }

    /**
     * {@return where the device has data next, or a hole}
     *
     * @param none for where there is none
     * @param untold for a file that cannot tell, as a block device
     */
    private long seek(long at, int whence, long none, long untold) {
        long found = file.fd().seek(file.start() + at, whence);
        if (found == Errno.ENXIO.negated()) {
            return none;
        }
        return found < 0 ? untold : found - file.start();
    }

    /** Clients know whole blocks alone: one that has any data is data. */
    private long floor(long at) {
        return at & -file.blockSize();
    }

    private long ceiling(long at) {
        return floor(at + file.blockSize() - 1);
    }

    @Override
    public void close() {
        file.close();
    }
}
