package dev.ublk4j.cli.serve;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import org.jspecify.annotations.Nullable;

/** A target that is as another, apart from its geometry. */
public final class Reshaped implements Target {
    private final Target target;
    private final Geometry geometry;

    /**
     * Gives a target another geometry.
     *
     * @param target belongs to this one from now on
     */
    public Reshaped(Target target, Geometry geometry) {
        this.target = target;
        this.geometry = geometry;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public TargetQueue open(Queue queue) {
        return target.open(queue);
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        return target.ability(type);
    }

    @Override
    public void close() {
        target.close();
    }
}
