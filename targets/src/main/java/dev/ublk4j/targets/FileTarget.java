package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.RingFile;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.lang.System.Logger.Level;

/**
 * A device kept in a regular file or on another block device.
 *
 * <p>All of its I/O goes over the ring of the queue that the request came from, so that one system
 * call carries the I/O of some requests and the results of others.
 *
 * <p>A flush that fails is not tried again with success: Linux marks pages clean that it could not
 * write, and tells of it once, so that the next {@code fsync} answers 0 for data that is gone
 * (Rebello et al., <i>Can Applications Recover from fsync Failures?</i>, USENIX ATC 2020). So from
 * the first failure on, of whichever queue, every flush and every durable write fails with {@code
 * EIO}, until the file is opened again. What is not covered is the moment between the kernel's
 * telling one queue and that queue's hearing it, in which another's may end well.
 */
public final class FileTarget implements Target, Resizable, LeavesData, AllocationMap {
    /** The unit that file systems free. */
    private static final int DISCARD_GRANULARITY = 4096;

    private static final System.Logger LOG = System.getLogger(FileTarget.class.getName());

    private final BackingFile file;
    private final Geometry geometry;

    /** Whether the file system has once failed to write what it had taken. */
    private volatile boolean lost;

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
    public TargetQueue open(Queue queue) {
        return new FileQueue(queue);
    }

    /** The file on one queue: all of its I/O goes over the queue's ring. */
    private final class FileQueue implements TargetQueue {
        private final Queue queue;
        private final RingFile ringFile;
        private final RingHandler whenDurable =
                (request, result) -> request.complete(durable(request, result));
        private final RingHandler whenWrittenDurably =
                (request, result) ->
                        request.complete(
                                isOfTheWriteAlone(result) ? result : durable(request, result));

        FileQueue(Queue queue) {
            this.queue = queue;
            this.ringFile = queue.register(file.fd());
        }

        @Override
        public void submit(Request request) {
            long position = file.start() + request.offset();
            switch (request.operation()) {
                case READ -> queue.read(request, ringFile, position);
                case WRITE -> write(request, position);
                case FLUSH -> flush(request);
                case DISCARD -> queue.punch(request, ringFile, position);
                case WRITE_ZEROES -> {
                    if (request.keepsAllocation()) {
                        queue.zero(request, ringFile, position);
                    } else {
                        queue.punch(request, ringFile, position);
                    }
                }
                default -> request.complete(Errno.EOPNOTSUPP.negated());
            }
        }

        private void write(Request request, long position) {
            if (!request.forcesUnitAccess()) {
                queue.write(request, ringFile, position);
            } else if (lost) {
                request.complete(Errno.EIO.negated());
            } else {
                queue.write(request, ringFile, position, whenWrittenDurably);
            }
        }

        private void flush(Request request) {
            if (lost) {
                request.complete(Errno.EIO.negated());
            } else {
                queue.sync(request, ringFile, whenDurable);
            }
        }

        @Override
        public void close() {
            if (queue.hasIoLeft()) {
                file.leaveToIo();
            } else {
                ringFile.close();
            }
        }
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

    /** What the file system says of holes. */
    @Override
    public void describe(long offset, long length, Extents extents) {
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
