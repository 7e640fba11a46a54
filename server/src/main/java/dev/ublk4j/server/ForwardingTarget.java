package dev.ublk4j.server;

import org.jspecify.annotations.Nullable;

/**
 * A target that is as another, apart from what a subclass overrides: its geometry, an ability, or
 * what happens when it is opened or closed.
 *
 * <p>A subclass that does something with the requests overrides {@link #open} and returns a {@link
 * ForwardingTargetQueue} over {@code super.open(queue)}. If it looks at their data, it also
 * overrides {@link #ability}, so that it does not have the ability {@link LeavesData}.
 */
public abstract class ForwardingTarget implements Target {
    private final Target target;

    /**
     * Takes the target that everything is forwarded to.
     *
     * @param target belongs to this one from now on, and is closed with it
     */
    protected ForwardingTarget(Target target) {
        this.target = target;
    }

    /** {@return the target that everything is forwarded to} */
    protected final Target target() {
        return target;
    }

    @Override
    public Geometry geometry() {
        return target.geometry();
    }

    @Override
    public TargetQueue open(Queue queue) {
        return target.open(queue);
    }

    /** {@return what gives the target an ability: itself where it has it, else the other target} */
    @Override
    public <A> @Nullable A ability(Class<A> type) {
        return type.isInstance(this) ? type.cast(this) : target.ability(type);
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
