package dev.ublk4j.layers;

import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.TargetQueue;
import java.util.function.LongSupplier;

/** Copies to the legs of a mirror that are not in step, one after another. On a queue's thread. */
final class Resync {
    private final Queue queue;
    private final MirrorLegs states;
    private final TargetQueue[] legs;
    private final WriteBarrier barrier;
    private final LongSupplier size;
    private final Copying copying;

    /** The leg that is being copied to, or -1; the number of its sync, and how far that is. */
    private int leg = -1;

    private int sync;
    private long position;

    Resync(
            Queue queue,
            MirrorLegs states,
            TargetQueue[] legs,
            WriteBarrier barrier,
            LongSupplier size,
            Copying copying) {
        this.queue = queue;
        this.states = states;
        this.legs = legs;
        this.barrier = barrier;
        this.size = size;
        this.copying = copying;
    }

    /** Begins with the next leg that is to be copied to, unless one is. */
    void next() {
        for (int i = 0; i < legs.length && leg < 0; i++) {
            if (states.state(i) == LegState.SYNCING) {
                leg = i;
                sync = states.sync(i);
                position = 0;
                copyWindow();
            }
        }
    }

    private void copyWindow() {
        if (queue.isLeaving() || !states.isSyncing(leg, sync)) {
            stop();
        } else if (position < size.getAsLong()) {
            int bytes = (int) Math.min(WriteBarrier.WINDOW, size.getAsLong() - position);
            copying.copy(legs[states.readable(0)], legs[leg], position, bytes, this::windowCopied);
        } else {
            copying.flush(legs[leg], this::allCopied);
        }
    }

    private void windowCopied(int result) {
        if (result < 0) {
            failed(result);
        } else {
            position += WriteBarrier.WINDOW;
            copyWindow();
        }
    }

    private void allCopied(int result) {
        if (result < 0) {
            failed(result);
        } else {
            states.endSync(leg, sync);
            stop();
        }
    }

    private void failed(int result) {
        if (!queue.isLeaving() && states.isSyncing(leg, sync)) {
            boolean _ = states.fail(leg, result);
        }
        stop();
    }

    private void stop() {
        barrier.unblock();
        leg = -1;
        if (!queue.isLeaving()) {
            next();
        }
    }
}
