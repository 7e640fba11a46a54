package dev.ublk4j.server;

import java.util.BitSet;

/**
 * A {@link SimpleTarget} whose methods may wait. Each request gets a virtual thread, so several of
 * a queue are under way at a time; they may not use the queue's ring.
 */
public interface BlockingTarget extends SimpleTarget, QueueAffinity {
    @Override
    default TargetQueue open(Queue queue) {
        return new BlockingHandlers(new Handlers(this, queue), queue);
    }

    /**
     * {@return none} Threads that a queue's thread starts run where it does, and virtual threads on
     * those.
     */
    @Override
    default BitSet processors(int queue, BitSet mapped) {
        return new BitSet();
    }
}
