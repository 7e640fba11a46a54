package dev.ublk4j.server;

/**
 * A {@link SimpleTarget} whose methods may wait. Each request gets a virtual thread, so several of
 * a queue are under way at a time; they may not use the queue's ring.
 */
public interface BlockingTarget extends SimpleTarget {
    @Override
    default TargetQueue open(Queue queue) {
        return new BlockingHandlers(new Handlers(this, queue), queue);
    }
}
