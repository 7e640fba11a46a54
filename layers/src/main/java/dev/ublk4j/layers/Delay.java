package dev.ublk4j.layers;

import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.RingHandler;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Another target, later: each request waits before it goes there. */
public final class Delay extends Layer {
    private final long readNanos;
    private final long changeNanos;

    /**
     * Delays a target.
     *
     * @param target belongs to the layer from now on, also when this throws
     * @param reads how long a read waits
     * @param changes how long everything else waits
     * @throws IllegalArgumentException for a negative time
     */
    public Delay(Target target, Duration reads, Duration changes) {
        super(
                List.of(target),
                legs -> {
                    if (reads.isNegative() || changes.isNegative()) {
                        throw new IllegalArgumentException("delay: a time is negative");
                    }
                    return legs.getFirst();
                });
        this.readNanos = nanos(reads);
        this.changeNanos = nanos(changes);
    }

    /** {@return a time in nanoseconds, or 292 years where it is longer} */
    private static long nanos(Duration time) {
        return time.toSeconds() < Long.MAX_VALUE / 1_000_000_000 ? time.toNanos() : Long.MAX_VALUE;
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        TargetQueue leg = below.getFirst();
        RingHandler later =
                (request, result) -> {
                    if (result < 0) {
                        request.complete(result);
                    } else {
                        leg.submit(request);
                    }
                };
        return request -> submit(request, queue, leg, later);
    }

    private void submit(Request request, Queue queue, TargetQueue leg, RingHandler later) {
        long nanos = request.operation() == Operation.READ ? readNanos : changeNanos;
        if (nanos == 0) {
            leg.submit(request);
        } else {
            queue.delay(request, nanos, later);
        }
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        return legs().getFirst().ability(type);
    }
}
