package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;

/**
 * Copies ranges from one target to another, in a queue beside its requests. On the queue's thread.
 */
final class Copying {
    /** How long changes that are under way are waited for at a time. */
    private static final long PAUSE_NANOS = 200_000;

    private final Queue queue;
    private final WriteBarrier barrier;
    private final MemorySegment buffer;

    /**
     * Creates one.
     *
     * @param barrier what requests that change the targets go through
     * @param buffer as long as the longest range
     */
    Copying(Queue queue, WriteBarrier barrier, MemorySegment buffer) {
        this.queue = queue;
        this.barrier = barrier;
        this.buffer = buffer;
    }

    /**
     * Copies a range, whose changes are kept back from now on.
     *
     * @param whenDone hears 0 or a negative errno; in a turn of the queue's thread of its own, so
     *     that requests get theirs
     */
    void copy(TargetQueue from, TargetQueue to, long at, int bytes, IntConsumer whenDone) {
        barrier.block(at, at + bytes);
        whenQuiet(() -> read(from, to, at, bytes, whenDone), whenDone);
    }

    private void whenQuiet(Runnable then, IntConsumer whenDone) {
        if (barrier.isQuiet()) {
            then.run();
        } else if (queue.isLeaving()) {
            whenDone.accept(Errno.ESHUTDOWN.negated());
        } else {
            pause(() -> whenQuiet(then, whenDone));
        }
    }

    private void pause(Runnable then) {
        queue.request(Operation.READ, 0, buffer)
                .then((_, result) -> {
                    queue.execute(then);
                    return result;
                })
                .submitTo(this::wake);
    }

    private void wake(Request request) {
        queue.delay(request, PAUSE_NANOS, (paused, _) -> paused.complete(paused.whole()));
    }

    private void read(TargetQueue from, TargetQueue to, long at, int bytes, IntConsumer whenDone) {
        MemorySegment data = buffer.asSlice(0, bytes);
        queue.request(Operation.READ, at, data)
                .then((_, result) -> {
                    queue.execute(() -> {
                        if (result < 0) {
                            whenDone.accept(result);
                        } else {
                            write(to, at, data, whenDone);
                        }
                    });
                    return result;
                })
                .submitTo(from);
    }

    private void write(TargetQueue to, long at, MemorySegment data, IntConsumer whenDone) {
        queue.request(Operation.WRITE, at, data)
                .then((_, result) -> {
                    queue.execute(() -> whenDone.accept(Math.min(result, 0)));
                    return result;
                })
                .submitTo(to);
    }

    /** Flushes a target. */
    void flush(TargetQueue target, IntConsumer whenDone) {
        queue.request(Operation.FLUSH, 0, buffer.asSlice(0, 0))
                .then((_, result) -> {
                    queue.execute(() -> whenDone.accept(Math.min(result, 0)));
                    return result;
                })
                .submitTo(target);
    }
}
