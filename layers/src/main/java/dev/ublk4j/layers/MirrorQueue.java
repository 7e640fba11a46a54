package dev.ublk4j.layers;

import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Completion;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.TargetQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;

/** A mirror on one queue. */
final class MirrorQueue implements TargetQueue {
    /** How long a change of a window that is being copied waits before it tries again. */
    private static final long RETRY_NANOS = 100_000;

    private final Queue queue;
    private final TargetQueue[] legs;
    private final MirrorLegs states;
    private final WriteBarrier barrier;
    private final Completion[] whenRead;
    private final Completion[] whenFlushed;

    /** By phase of the barrier and leg. */
    private final Completion[][] whenChanged;

    /** By phase of the barrier and leg: of the leg that is asked first. */
    private final Completion[][] whenFirstChanged;

    private final RingHandler retry = this::retry;
    private final Arena arena = Arena.ofShared();
    private final Resync resync;

    /**
     * Opens one.
     *
     * @param states of all queues of the mirror
     * @param barrier of all queues of the mirror
     * @param size of the device, in bytes
     */
    MirrorQueue(
            Queue queue,
            TargetQueue[] legs,
            MirrorLegs states,
            WriteBarrier barrier,
            LongSupplier size) {
        this.queue = queue;
        this.legs = legs;
        this.states = states;
        this.barrier = barrier;
        this.whenRead = new Completion[legs.length];
        this.whenFlushed = new Completion[legs.length];
        this.whenChanged = new Completion[WriteBarrier.PHASES][legs.length];
        this.whenFirstChanged = new Completion[WriteBarrier.PHASES][legs.length];
        Copying copying = new Copying(queue, barrier, arena.allocate(WriteBarrier.WINDOW, 4096));
        this.resync = new Resync(queue, states, legs, barrier, size, copying);
        for (int i = 0; i < legs.length; i++) {
            int leg = i;
            whenRead[i] = (part, result) -> read(leg, part, result);
            whenFlushed[i] = (_, result) -> judge(leg, result);
            for (int j = 0; j < WriteBarrier.PHASES; j++) {
                int phase = j;
                whenChanged[j][i] = (part, result) -> changed(phase, leg, part, result);
                whenFirstChanged[j][i] = (part, result) -> firstChanged(phase, leg, part, result);
            }
        }
    }

    /** Has legs that are not in step copied to; from any thread. */
    void resync() {
        queue.execute(resync::next);
    }

    @Override
    public void submit(Request request) {
        switch (request.operation()) {
            case READ -> {
                int leg = states.readable(queue.id() % legs.length);
                request.part(0, request.length()).then(whenRead[leg]).submitTo(legs[leg]);
            }
            case FLUSH -> flush(request);
            case WRITE, DISCARD, WRITE_ZEROES -> change(request);
            default -> request.complete(Errno.EOPNOTSUPP.negated());
        }
    }

    private int read(int leg, Request part, int result) {
        if (result >= 0 || !states.fail(leg, result)) {
            return result;
        }
        int next = states.readable(leg);
        part.parent().part(0, part.length()).then(whenRead[next]).submitTo(legs[next]);
        return 0;
    }

    private void change(Request request) {
        if (!states.isLogged()) {
            request.complete(Errno.EIO.negated());
            return;
        }
        int phase = barrier.enter(request.offset(), request.end());
        if (phase == WriteBarrier.BLOCKED) {
            queue.delay(request, RETRY_NANOS, retry);
            return;
        }
        if (request.operation() == Operation.WRITE) {
            sendToAll(request, phase, -1);
        } else {
            sendToOne(request, phase, states.readable(0));
        }
        barrier.leave(phase, request.offset(), request.end());
    }

    private void retry(Request request, int result) {
        if (result < 0) {
            request.complete(result);
        } else {
            change(request);
        }
    }

    private void sendToAll(Request request, int phase, int but) {
        for (int leg = 0; leg < legs.length; leg++) {
            if (leg != but && states.state(leg) != LegState.FAILED) {
                send(request, phase, leg, whenChanged[phase][leg]);
            }
        }
    }

    /**
     * Sends a discard, or a write of zeroes, to one leg: what that cannot do the mirror cannot, and
     * the others are not asked, so that all still hold the same.
     */
    private void sendToOne(Request request, int phase, int leg) {
        send(request, phase, leg, whenFirstChanged[phase][leg]);
    }

    private void send(Request request, int phase, int leg, Completion then) {
        barrier.hold(phase, request.offset(), request.end());
        request.part(0, request.length()).then(then).submitTo(legs[leg]);
    }

    private int firstChanged(int phase, int leg, Request part, int result) {
        Request parent = part.parent();
        int counted = result;
        if (result >= 0) {
            sendToAll(parent, phase, leg);
        } else if (!isRefusal(result)) {
            counted = judge(leg, result);
            if (counted >= 0) {
                sendToOne(parent, phase, states.readable(leg));
            }
        }
        barrier.leave(phase, part.offset(), part.end());
        return counted;
    }

    /** {@return whether a leg says that it never does what is asked, rather than failing} */
    private static boolean isRefusal(int result) {
        return result == Errno.EOPNOTSUPP.negated() || result == Errno.EINVAL.negated();
    }

    private int changed(int phase, int leg, Request part, int result) {
        int counted = judge(leg, result);
        barrier.leave(phase, part.offset(), part.end());
        return counted;
    }

    /** {@return what the result of a leg is to the mirror: nothing where others stand for it} */
    private int judge(int leg, int result) {
        if (result >= 0 || states.fail(leg, result)) {
            return Math.max(result, 0);
        }
        states.restartSyncs();
        return result;
    }

    private void flush(Request request) {
        if (!states.isLogged()) {
            request.complete(Errno.EIO.negated());
            return;
        }
        for (int leg = 0; leg < legs.length; leg++) {
            if (states.state(leg) != LegState.FAILED) {
                request.part(0, 0).then(whenFlushed[leg]).submitTo(legs[leg]);
            }
        }
    }

    /** What legs may lose they lose before the log says that the mirror was closed in order. */
    @Override
    public void finish() {
        queue.request(Operation.FLUSH, 0, MemorySegment.NULL).submitTo(this);
    }

    @Override
    public void close() {
        if (!queue.hasIoLeft()) {
            arena.close();
        }
    }
}
