package dev.ublk4j.embedded.handoff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A list that any thread adds to and one thread at a time empties, in the order of arrival.
 *
 * <p>It allocates nothing and never blocks: a stack of intrusive links that is turned round when it
 * is taken. Once closed it refuses everything, so that whoever closes it knows to have seen all.
 */
public final class Inbox<T extends Link> {
    private static final VarHandle TOP;

    static {
        try {
            TOP = MethodHandles.lookup().findVarHandle(Inbox.class, "top", Link.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final Link CLOSED = new Link() {};

    private volatile @Nullable Link top;

    /** {@return whether {@code item} was added; false once the inbox is closed} */
    public boolean push(T item) {
        while (true) {
            Link seen = top;
            if (seen == CLOSED) {
                return false;
            }
            item.next = seen;
            if (TOP.compareAndSet(this, seen, item)) {
                return true;
            }
        }
    }

    /** {@return whether there is nothing to take} */
    public boolean isEmpty() {
        Link seen = top;
        return seen == null || seen == CLOSED;
    }

    /**
     * {@return what has arrived, the oldest first, to be followed with {@link #after}; null for
     * nothing}
     */
    public @Nullable T takeAll() {
        return isEmpty() ? null : reversed((Link) TOP.getAndSet(this, null));
    }

    /** Refuses everything from now on; answers what had arrived, as {@link #takeAll} does. */
    public @Nullable T close() {
        Link last = (Link) TOP.getAndSet(this, CLOSED);
        return last == CLOSED ? null : reversed(last);
    }

    /** {@return the link after {@code item} in a list that was taken} */
    @SuppressWarnings("unchecked") // only T are pushed
    public static <T extends Link> @Nullable T after(T item) {
        return (T) item.next;
    }

    /** Puts an item that was taken off a list back in front of the rest of it. */
    public static <T extends Link> void putBack(T item, @Nullable T rest) {
        item.next = rest;
    }

    @SuppressWarnings("unchecked") // only T are pushed
    private @Nullable T reversed(@Nullable Link newest) {
        Link oldest = null;
        Link item = newest;
        while (item != null) {
            Link older = item.next;
            item.next = oldest;
            oldest = item;
            item = older;
        }
        return (T) oldest;
    }
}
