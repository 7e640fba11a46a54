package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.TargetQueue;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * An image on one queue of a device.
 *
 * <p><b>Life of the data.</b> librbd has the address of the request's own memory until it calls
 * back. A request ends then and not before, so the memory is there: however long a cluster that has
 * gone takes, and also when the device is told to stop, which waits. Only a queue that has failed
 * ends with requests out; it waits for them, and where they do not come has the memory kept for
 * good.
 */
final class ImageQueue implements TargetQueue {
    private static final System.Logger LOG = System.getLogger(ImageQueue.class.getName());

    /** How long a queue that has failed waits for what librbd still has. */
    private static final Duration LEFTOVER_PATIENCE = Duration.ofSeconds(10);

    private static final long PAUSE_NANOS = 1_000_000;
    private static final int ESHUTDOWN = -108;

    /** What a result means: a read's is its bytes. */
    private static final long READ = -1;

    /** A write that is to be durable: its flush comes after it. The rest is its length. */
    private static final long THEN_FLUSH = 1L << 62;

    private final Queue queue;
    private final RbdImage image;
    private final int number;

    /** By tag: where librbd puts the address of a new completion. */
    private volatile MemorySegment made;

    /** By tag: the request's id, and what its result means. */
    private volatile AtomicLongArray ids;

    private volatile AtomicLongArray meanings;

    private int begun;
    private final AtomicInteger ended = new AtomicInteger();
    private volatile boolean complained;

    ImageQueue(Queue queue, RbdImage image) {
        this.queue = queue;
        this.image = image;
        made = Arena.ofAuto().allocate(JAVA_LONG, queue.depth());
        ids = new AtomicLongArray(queue.depth());
        meanings = new AtomicLongArray(queue.depth());
        number = Answers.add(this);
    }

    @Override
    public void submit(Request request) {
        switch (request.operation()) {
            case READ -> begin(request, READ);
            case WRITE -> {
                long flush = request.forcesUnitAccess() ? THEN_FLUSH : 0;
                begin(request, request.length() | flush);
            }
            case FLUSH, DISCARD, WRITE_ZEROES -> begin(request, 0);
            default -> request.complete(Errno.EOPNOTSUPP.negated());
        }
    }

    private void begin(Request request, long meaning) {
        int tag = request.tag();
        if (tag >= ids.length()) {
            makeRoom(tag);
        }
        // What may throw comes before anything is begun.
        long memory = request.operation().hasData() ? request.data().address() : 0;
        long completion = completion(tag);
        if (completion == 0) {
            request.complete(Errno.ENOMEM.negated());
            return;
        }
        ids.setRelease(tag, request.id());
        meanings.setRelease(tag, meaning);
        begun++;
        int answer = send(request, memory, completion);
        if (answer < 0) {
            // It has not been begun, so nothing calls back.
            begun--;
            Librbd.release(completion);
            request.complete(answer);
        }
    }

    /** {@return a completion for a tag's request, 0 where there is no memory for one} */
    private long completion(int tag) {
        MemorySegment room = made;
        long at = (long) tag * Long.BYTES;
        int answer =
                Librbd.createCompletion(
                        Answers.argument(number, tag), Answers.CALLBACK, room.address() + at);
        return answer < 0 ? 0 : room.get(JAVA_LONG, at);
    }

    private int send(Request request, long memory, long completion) {
        long handle = image.handle();
        long offset = request.offset();
        long length = request.length();
        return switch (request.operation()) {
            case READ -> Librbd.read(handle, offset, length, memory, completion);
            case WRITE -> Librbd.write(handle, offset, length, memory, completion);
            case FLUSH -> Librbd.flush(handle, completion);
            case DISCARD -> Librbd.discard(handle, offset, length, completion);
            case WRITE_ZEROES -> {
                int flags = request.keepsAllocation() ? Librbd.THICK_PROVISION : 0;
                yield Librbd.writeZeroes(handle, offset, length, completion, flags);
            }
            default -> throw new IllegalStateException("not begun: " + request);
        };
    }

    /** Layers send more requests than the queue is deep. */
    private void makeRoom(int tag) {
        int size = Math.max(tag + 1, 2 * ids.length());
        AtomicLongArray moreIds = new AtomicLongArray(size);
        AtomicLongArray moreMeanings = new AtomicLongArray(size);
        for (int i = 0; i < ids.length(); i++) {
            moreIds.setPlain(i, ids.getPlain(i));
            moreMeanings.setPlain(i, meanings.getPlain(i));
        }
        made = Arena.ofAuto().allocate(JAVA_LONG, size);
        ids = moreIds;
        meanings = moreMeanings;
    }

    /** Takes a result; on a thread of librbd. */
    void answered(int tag, long result) {
        long id = ids.getAcquire(tag);
        long meaning = meanings.getAcquire(tag);
        try {
            if (result < 0) {
                complainOnce(result);
                queue.complete(id, (int) result);
            } else if (meaning == READ) {
                queue.complete(id, (int) result);
            } else if ((meaning & THEN_FLUSH) != 0) {
                if (flushAfter(tag, meaning)) {
                    return;
                }
                queue.complete(id, Errno.ENOMEM.negated());
            } else {
                queue.complete(id, (int) meaning);
            }
        } catch (IllegalStateException e) {
            // A queue that has failed has ended its requests.
            LOG.log(Level.DEBUG, () -> "an answer for %s comes late".formatted(image.name()), e);
        } catch (Throwable e) {
            // Whatever it is, the request ends, and librbd has it no more.
            int _ = ended.incrementAndGet();
            queue.complete(id, Errno.EIO.negated());
            throw e;
        }
        int _ = ended.incrementAndGet();
    }

    /** {@return whether the flush is under way whose end will be the write's} */
    private boolean flushAfter(int tag, long meaning) {
        meanings.setRelease(tag, meaning & ~THEN_FLUSH);
        long completion = completion(tag);
        if (completion == 0) {
            return false;
        }
        if (Librbd.flush(image.handle(), completion) < 0) {
            Librbd.release(completion);
            return false;
        }
        return true;
    }

    /** One line for a queue, with Ceph's own words: there may be thousands of requests. */
    private void complainOnce(long result) {
        if (!complained) {
            complained = true;
            LOG.log(
                    result == ESHUTDOWN ? Level.ERROR : Level.WARNING,
                    () ->
                            "%s: requests fail: %s; more of it is not logged"
                                    .formatted(image.name(), CephException.text(result)));
        }
    }

    @Override
    public void close() {
        long end = System.nanoTime() + LEFTOVER_PATIENCE.toNanos();
        while (ended.get() != begun && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        if (ended.get() != begun) {
            LOG.log(
                    Level.ERROR,
                    () ->
                            "%s: the cluster does not answer %d requests; their memory stays"
                                    .formatted(image.name(), begun - ended.get()));
            queue.keepMemory();
        }
        Answers.remove(number);
    }
}
