package dev.ublk4j.cli.serve;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.QueueAffinity;
import dev.ublk4j.server.ServerThreads;
import dev.ublk4j.server.Target;
import org.jspecify.annotations.Nullable;

/** A target that is as another, apart from its geometry and the threads that serve its device. */
public final class Reshaped extends ForwardingTarget {
    private final Geometry geometry;
    private final @Nullable QueueAffinity affinity;
    private final @Nullable ServerThreads threads;

    /**
     * Gives a target another geometry.
     *
     * @param target belongs to this one from now on
     */
    public Reshaped(Target target, Geometry geometry) {
        this(target, geometry, null, null);
    }

    /**
     * Gives a target another geometry and other threads.
     *
     * @param target belongs to this one from now on
     * @param affinity the processors of its queues, null for those of the target
     * @param threads how many serve its device, null for as many as the target says
     */
    public Reshaped(
            Target target,
            Geometry geometry,
            @Nullable QueueAffinity affinity,
            @Nullable ServerThreads threads) {
        super(target);
        this.geometry = geometry;
        this.affinity = affinity;
        this.threads = threads;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (threads != null && type == ServerThreads.class) {
            return type.cast(threads);
        }
        return affinity != null && type == QueueAffinity.class
                ? type.cast(affinity)
                : super.ability(type);
    }
}
