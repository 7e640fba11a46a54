package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uring.IoUring;
import dev.ublk4j.uring.Ring;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The I/O on the queue's ring that a target does for one request: goes on where it was short, and
 * again where it was interrupted. On the queue's thread.
 */
final class RingIo {
    /** {@code RWF_DSYNC} of {@code linux/fs.h}: the write is durable when it completes. */
    private static final int RWF_DSYNC = 2;

    private enum Kind {
        TRANSFER,
        SYNC,
        ALLOCATE,
        TIMER,
        OWN
    }

    private final Request request;
    private final Queue queue;

    private Kind kind = Kind.OWN;
    private @Nullable RingFile file;
    private @Nullable RingHandler handler;

    /** Where the request is in the file. */
    private long position;

    /** The mode of {@code fallocate}. */
    private int mode;

    /** Bytes that have been moved. */
    private int moved;

    RingIo(Request request, Queue queue) {
        this.request = request;
        this.queue = queue;
    }

    /** Moves the request's data from the file, or to it. */
    void transfer(RingFile target, long at, @Nullable RingHandler then) {
        begin(Kind.TRANSFER, target, then);
        position = at;
        moved = 0;
        transferRest();
    }

    private void transferRest() {
        RingFile target = known();
        long address = request.address() + moved;
        int length = (int) request.length() - moved;
        int buffer = request.fixedBuffer();
        long userData = queue.name(request);
        Ring ring = queue.rawRing();
        if (request.operation() == Operation.READ) {
            if (buffer >= 0) {
                ring.readFixed(
                        target.number(), address, length, position + moved, buffer, userData);
            } else {
                ring.read(target.number(), address, length, position + moved, userData);
            }
        } else {
            if (buffer >= 0) {
                ring.writeFixed(
                        target.number(), address, length, position + moved, buffer, userData);
            } else {
                ring.write(target.number(), address, length, position + moved, userData);
            }
            if (request.forcesUnitAccess()) {
                ring.setOperationFlags(RWF_DSYNC);
            }
        }
        mark(ring, target);
    }

    /** Makes what has been written to the file durable. */
    void sync(RingFile target, @Nullable RingHandler then) {
        begin(Kind.SYNC, target, then);
        prepareSync();
    }

    private void prepareSync() {
        RingFile target = known();
        long userData = queue.name(request);
        Ring ring = queue.rawRing();
        ring.fsync(target.number(), true, userData);
        mark(ring, target);
    }

    /** Changes the space that a range of the file has. */
    void allocate(RingFile target, long at, int fallocateMode, @Nullable RingHandler then) {
        begin(Kind.ALLOCATE, target, then);
        position = at;
        mode = fallocateMode;
        prepareAllocate();
    }

    private void prepareAllocate() {
        RingFile target = known();
        long userData = queue.name(request);
        Ring ring = queue.rawRing();
        ring.fallocate(target.number(), mode, position, request.length(), userData);
        mark(ring, target);
    }

    /** Waits. */
    void timer(long nanos, RingHandler then) {
        kind = Kind.TIMER;
        handler = then;
        long userData = queue.name(request);
        queue.rawRing().timeout(nanos, userData);
    }

    /** {@return the user data of an entry that the target prepares itself} */
    long own(RingHandler then) {
        kind = Kind.OWN;
        handler = then;
        return queue.name(request);
    }

    private void begin(Kind what, RingFile target, @Nullable RingHandler then) {
        kind = what;
        file = target;
        handler = then;
    }

    private RingFile known() {
        return Objects.requireNonNull(file);
    }

    private static void mark(Ring ring, RingFile target) {
        if (target.isRegistered()) {
            ring.setSqeFlags(IoUring.IOSQE_FIXED_FILE);
        }
    }

    /** Goes on, or ends the request, or has the target do so. */
    void completed(int result) {
        switch (kind) {
            case TRANSFER -> transferred(result);
            case SYNC -> {
                if (isToRepeat(result)) {
                    prepareSync();
                } else {
                    end(result);
                }
            }
            case ALLOCATE -> {
                if (isToRepeat(result)) {
                    prepareAllocate();
                } else {
                    end(result);
                }
            }
            case TIMER -> end(result == Errno.ETIME.negated() ? 0 : result);
            case OWN -> end(result);
        }
    }

    private void transferred(int result) {
        if (isToRepeat(result)) {
            transferRest();
        } else if (result < 0) {
            end(result);
        } else if (result == 0) {
            // The file has been cut off under the device: this part of it is no longer there.
            end(Errno.EIO.negated());
        } else {
            moved += result;
            if (moved < request.length()) {
                transferRest();
            } else {
                end(moved);
            }
        }
    }

    private static boolean isToRepeat(int result) {
        return result == Errno.EAGAIN.negated() || result == Errno.EINTR.negated();
    }

    private void end(int result) {
        RingHandler then = handler;
        if (then == null) {
            queue.complete(request.id(), result);
        } else {
            then.completed(request, result);
        }
    }
}
