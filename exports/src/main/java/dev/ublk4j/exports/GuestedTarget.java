package dev.ublk4j.exports;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/** A target whose device has fronts as the guests of its queues. */
final class GuestedTarget<F extends QueueFront> extends ForwardingTarget implements QueueGuests {
    private final boolean pinsMemory;
    private final IntFunction<F> newFront;
    private final List<F> fronts = new ArrayList<>();

    GuestedTarget(Target target, boolean pinsMemory, IntFunction<F> newFront) {
        super(target);
        this.pinsMemory = pinsMemory;
        this.newFront = newFront;
    }

    /** {@return the fronts of the queues that the device has been given} */
    List<F> fronts() {
        return fronts;
    }

    @Override
    public QueueGuest guest(int queue) {
        F front = newFront.apply(queue);
        fronts.add(front);
        return front.guest();
    }

    @Override
    public boolean pinsMemory() {
        return pinsMemory;
    }
}
