package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;

/** A large target that only discards, which takes a while, and counts that. For one queue. */
final class SlowDiscards implements Target {
    private static final long NANOS = 100_000;

    private final long size;
    private int out;

    volatile long discarded;
    volatile int mostOut;

    SlowDiscards(long size) {
        this.size = size;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(size).withDiscard(4096);
    }

    @Override
    public TargetQueue open(Queue queue) {
        return request -> {
            switch (request.operation()) {
                case DISCARD -> {
                    out++;
                    mostOut = Math.max(mostOut, out);
                    queue.delay(request, NANOS, this::discarded);
                }
                case FLUSH -> request.complete(0);
                default -> request.complete(Errno.EOPNOTSUPP.negated());
            }
        };
    }

    private void discarded(Request request, int result) {
        out--;
        discarded += request.length();
        request.complete(result);
    }
}
