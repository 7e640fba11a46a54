package dev.ublk4j.conformance.rules;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import dev.ublk4j.server.spi.QueueHost;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A target each of whose queues fails when the test wants it to. */
final class FrailQueues extends ForwardingTarget implements QueueGuests {
    private final Map<Integer, Frail> queues = new ConcurrentHashMap<>();

    FrailQueues(Target target) {
        super(target);
    }

    /** Has the thread of a queue end by an exception. */
    void fail(int queue) {
        queues.get(queue).fail();
    }

    @Override
    public QueueGuest guest(int queue) {
        return queues.computeIfAbsent(queue, _ -> new Frail());
    }

    @Override
    public boolean pinsMemory() {
        return true;
    }

    private static final class Frail implements QueueGuest {
        private volatile QueueHost host;
        private volatile boolean failing;

        void fail() {
            failing = true;
            host.call();
        }

        @Override
        public void started(QueueHost mine) {
            host = mine;
        }

        @Override
        public void completed(long value, int result, int flags) {}

        @Override
        public boolean turn(boolean busy) {
            if (failing) {
                throw new IllegalStateException("on purpose");
            }
            return false;
        }

        @Override
        public void stopped() {}
    }
}
