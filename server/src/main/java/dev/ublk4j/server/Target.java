package dev.ublk4j.server;

import org.jspecify.annotations.Nullable;

/**
 * What a block device is made of: the class that a device's author writes.
 *
 * <p>Most authors implement {@link SimpleTarget}, a method for each operation, or {@link
 * BlockingTarget}, the same on threads that may wait. This interface is for targets that keep state
 * per queue, do their I/O on the queue's ring, or are made of other targets: a target opens a
 * {@link TargetQueue} for each queue of the device, and its requests go there.
 *
 * <p><b>Layers.</b> A target made of others opens their queues in {@link #open} and sends them
 * {@linkplain Request#part parts} of its requests. It owns the targets below it: it closes them
 * when it is closed.
 *
 * <p><b>Abilities.</b> What a target can do besides is an interface that it implements, such as
 * {@link Resizable} or {@link AllocationMap}. Callers ask for it by {@link #ability}, because a
 * layer may have it or not, as those below it do. What requests the device takes is in the {@link
 * Geometry}.
 *
 * <p>A target does not know which driver serves it, nor how the data of a request reaches it.
 */
public interface Target extends AutoCloseable {
    /**
     * {@return the size, the block sizes and the operations of the device}; asked once per start
     */
    Geometry geometry();

    /**
     * Opens the target for one queue of a device. Called on the queue's thread before its first
     * request; a device of several queues calls it from several threads at once.
     *
     * @return what the queue's requests go to, on the same thread
     */
    TargetQueue open(Queue queue);

    /**
     * {@return what gives the target an ability, or null where it does not have it}
     *
     * @param type an interface such as {@link Resizable}
     */
    default <A> @Nullable A ability(Class<A> type) {
        return type.isInstance(this) ? type.cast(this) : null;
    }

    /** Lets go of what the target holds, when its device has been closed. */
    @Override
    default void close() {}
}
