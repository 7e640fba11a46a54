package dev.ublk4j.server;

import org.jspecify.annotations.Nullable;

/**
 * The request that a blocking target's handler is called for: what a thread knows of it that is not
 * its queue's.
 *
 * @param queue where it came from
 * @param id {@link Request#id}
 */
record CurrentRequest(Queue queue, long id) {
    private static final ScopedValue<CurrentRequest> CURRENT = ScopedValue.newInstance();

    /** Calls a handler for the request, on the calling thread. */
    void call(Runnable handler) {
        ScopedValue.where(CURRENT, this).run(handler);
    }

    /**
     * {@return whether the calling thread handles a request of a queue that has not been answered,
     * so that it must not wait for the queue's requests}
     */
    static boolean isOutOn(@Nullable Queue queue) {
        if (queue == null || !CURRENT.isBound()) {
            return false;
        }
        CurrentRequest current = CURRENT.get();
        return current.queue == queue && queue.tags().isOut(current.id);
    }
}
