package dev.ublk4j.layers;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Another target, and whether it has been closed. */
class Closing implements Target {
    private final Target target;
    final AtomicInteger queuesOpen = new AtomicInteger();
    volatile boolean closed;

    Closing(Target target) {
        this.target = target;
    }

    @Override
    public Geometry geometry() {
        return target.geometry();
    }

    @Override
    public TargetQueue open(Queue queue) {
        TargetQueue below = target.open(queue);
        queuesOpen.incrementAndGet();
        return new TargetQueue() {
            @Override
            public void submit(Request request) {
                below.submit(request);
            }

            @Override
            public void close() {
                queuesOpen.decrementAndGet();
                below.close();
            }
        };
    }

    @Override
    public void close() {
        closed = true;
        target.close();
    }
}
