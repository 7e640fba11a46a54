package dev.ublk4j.exports;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.server.spi.QueueGuest;
import dev.ublk4j.server.spi.QueueGuests;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** A target whose device has fronts as the guests of its queues. */
final class GuestedTarget<F extends QueueFront> implements Target, QueueGuests {
    private final Target target;
    private final boolean pinsMemory;
    private final IntFunction<F> newFront;
    private final List<F> fronts = new ArrayList<>();

    GuestedTarget(Target target, boolean pinsMemory, IntFunction<F> newFront) {
        this.target = target;
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

    @Override
    public Geometry geometry() {
        return target.geometry();
    }

    @Override
    public TargetQueue open(Queue queue) {
        return target.open(queue);
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        return type == QueueGuests.class ? type.cast(this) : target.ability(type);
    }

    @Override
    public void close() {
        target.close();
    }

    @Override
    public String toString() {
        return target.toString();
    }
}
