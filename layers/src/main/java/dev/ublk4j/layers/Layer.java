package dev.ublk4j.layers;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.QueueAffinity;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.ServerThreads;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A target made of others, which it owns: the base of the layers here, and of those that users
 * write.
 */
public abstract class Layer implements Target {
    private final List<Target> legs;
    private final Geometry geometry;

    /**
     * Takes targets, which are closed when they do not fit.
     *
     * @param legs belong to the layer from now on, also when this throws
     * @param geometry makes the layer's geometry of those of the legs
     * @throws IllegalArgumentException when there is no such layer of such legs
     */
    protected Layer(List<? extends Target> legs, Function<List<Geometry>, Geometry> geometry) {
        try {
            this.legs = checked(legs);
            this.geometry = geometry.apply(this.legs.stream().map(Target::geometry).toList());
        } catch (Throwable e) {
            closeAll(distinct(legs), e);
            throw e;
        }
    }

    private static List<Target> checked(List<? extends Target> legs) {
        if (legs.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("a leg is null");
        }
        if (distinct(legs).size() < legs.size()) {
            throw new IllegalArgumentException("one target is two legs of the same layer");
        }
        return List.copyOf(legs);
    }

    /** {@return the targets of a list, each once} */
    private static List<Target> distinct(List<? extends Target> legs) {
        Set<Target> all = Collections.newSetFromMap(new IdentityHashMap<>());
        return legs.stream()
                .<Target>map(leg -> leg)
                .filter(leg -> leg != null && all.add(leg))
                .toList();
    }

    private static void closeAll(List<? extends AutoCloseable> some, Throwable because) {
        for (AutoCloseable each : some.reversed()) {
            try {
                each.close();
            } catch (Throwable e) {
                because.addSuppressed(e);
            }
        }
    }

    private static void closeAll(List<? extends AutoCloseable> some) {
        RuntimeException failed = new IllegalStateException("a leg could not be closed");
        closeAll(some, failed);
        if (failed.getSuppressed().length > 0) {
            throw failed;
        }
    }

    /**
     * {@return the targets below, in their order} They belong to the layer: others may look at
     * them, and ask for their abilities.
     */
    public final List<Target> legs() {
        return legs;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public final TargetQueue open(Queue queue) {
        List<TargetQueue> opened = new ArrayList<>();
        try {
            for (Target leg : legs) {
                opened.add(leg.open(queue));
            }
            return new LegQueues(open(queue, List.copyOf(opened)), opened);
        } catch (Throwable e) {
            closeAll(opened, e);
            throw e;
        }
    }

    /**
     * Opens the layer for one queue, when its legs have been.
     *
     * @param below the queues of the legs, which are closed after the one that this returns
     */
    protected abstract TargetQueue open(Queue queue, List<TargetQueue> below);

    /**
     * {@return what gives the layer an ability} Data that no leg looks at no layer here looks at
     * either. The layer itself is the ability of its own class and of {@code Layer}, so that it is
     * found below layers that pass abilities on, as {@link FaultInjector} does.
     */
    @Override
    public <A> @Nullable A ability(Class<A> type) {
        if (type == QueueAffinity.class || type == ServerThreads.class) {
            return firstOf(type);
        }
        if (type != LeavesData.class) {
            return Target.super.ability(type);
        }
        boolean all = legs.stream().allMatch(leg -> leg.ability(type) != null);
        return all ? legs.getFirst().ability(type) : null;
    }

    /** The threads of a layer are those of all its legs. */
    private <A> @Nullable A firstOf(Class<A> type) {
        for (Target leg : legs) {
            A ability = leg.ability(type);
            if (ability != null) {
                return ability;
            }
        }
        return null;
    }

    /** Closes the legs, the last one first. */
    @Override
    public void close() {
        closeAll(legs);
    }

    /** Closes the queues of the legs after that of the layer. */
    private record LegQueues(TargetQueue layer, List<TargetQueue> below) implements TargetQueue {
        @Override
        public void submit(Request request) {
            layer.submit(request);
        }

        @Override
        public void finish() {
            layer.finish();
            below.forEach(TargetQueue::finish);
        }

        @Override
        public void close() {
            List<TargetQueue> all = new ArrayList<>(below);
            all.add(layer);
            closeAll(all);
        }
    }
}
