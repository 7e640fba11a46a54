package dev.ublk4j.layers;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.ForwardingTargetQueue;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Another target, and whether it has been closed. */
class Closing extends ForwardingTarget {
    final AtomicInteger queuesOpen = new AtomicInteger();
    volatile boolean closed;

    Closing(Target target) {
        super(target);
    }

    @Override
    public TargetQueue open(Queue queue) {
        TargetQueue below = super.open(queue);
        queuesOpen.incrementAndGet();
        return new ForwardingTargetQueue(below) {
            @Override
            public void close() {
                queuesOpen.decrementAndGet();
                super.close();
            }
        };
    }

    @Override
    public void close() {
        closed = true;
        super.close();
    }
}
