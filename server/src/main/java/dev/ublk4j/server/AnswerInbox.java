package dev.ublk4j.server;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Results on their way from other threads to the queue thread.
 *
 * <p>A request has at most one result under way, so requests are the links of the list that holds
 * them: it has no limit and nothing is allocated.
 */
final class AnswerInbox {
    /** The result that came last, linked to those before it. */
    private final AtomicReference<@Nullable Request> last = new AtomicReference<>();

    private final Doorbell doorbell;

    /**
     * Creates an empty inbox.
     *
     * @param doorbell makes the queue thread look in
     */
    AnswerInbox(Doorbell doorbell) {
        this.doorbell = doorbell;
    }

    /**
     * Leaves the result of a request; from any thread that has ended it in the {@link TagTable}.
     */
    void post(Request request, int result) {
        request.postedResult = result;
        Request before;
        do {
            before = last.get();
            request.postedBefore = before;
        } while (!last.compareAndSet(before, request));
        if (before == null) {
            doorbell.ring();
        }
    }

    /**
     * Hands over every request whose result has arrived, in the order of arrival; on the queue
     * thread.
     *
     * @return whether there were any
     */
    boolean collect(Consumer<Request> receiver) {
        if (last.get() == null) {
            return false;
        }
        Request next = reversed(last.getAndSet(null));
        while (next != null) {
            Request request = next;
            next = request.postedBefore;
            request.postedBefore = null;
            receiver.accept(request);
        }
        return true;
    }

    private static @Nullable Request reversed(@Nullable Request list) {
        Request left = list;
        Request done = null;
        while (left != null) {
            Request next = left.postedBefore;
            left.postedBefore = done;
            done = left;
            left = next;
        }
        return done;
    }
}
