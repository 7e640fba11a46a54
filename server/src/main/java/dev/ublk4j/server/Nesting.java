package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * How deep calls of targets and layers are nested on a queue's thread, and what has to wait for the
 * outermost of them to return.
 *
 * <p><b>What is put off.</b> A layer may send its next part when the last has ended, over a target
 * that ends it at once: that is a loop, and the stack must not grow with it. What comes too deep is
 * put off, and what comes after it as well, so that it keeps its place.
 *
 * <p><b>What is mended.</b> A target that recurses by itself fills the stack all the same, and then
 * any call of the queue's may be broken off in the middle. {@link Queue#send} and {@link
 * Queue#answer} link the request that they were at work with to {@link #torn}, without a call, and
 * it is ended from here.
 */
final class Nesting {
    /** How deep calls are nested before the next is put off: more than layers are stacked. */
    private static final int DEEPEST = 32;

    private final Queue queue;
    private final ArrayDeque<Request> putOff = new ArrayDeque<>();

    /**
     * Calls that have not returned. Counted by those who make them, without a call, as the stack
     * may be full.
     */
    int depth;

    /**
     * Requests of which the sending or the end was broken off, linked by {@link
     * Request#tornBefore}.
     */
    @Nullable Request torn;

    Nesting(Queue queue) {
        this.queue = queue;
    }

    /** {@return whether what comes now has to wait} */
    boolean isTooDeep() {
        return depth >= DEEPEST || (depth > 0 && !putOff.isEmpty());
    }

    /** Has a request sent, or its end told, when the outermost call has returned. */
    void putOff(Request request) {
        putOff.addLast(request);
    }

    /** Does what was put off, in its order, when the outermost call has returned. */
    void catchUpIfOutermost() {
        if (depth > 0 || (putOff.isEmpty() && torn == null)) {
            return;
        }
        depth++;
        try {
            mendTorn();
            for (Request next = putOff.poll(); next != null; next = putOff.poll()) {
                queue.goOnWithPutOff(next);
            }
        } finally {
            depth--;
        }
    }

    /** Ends requests that are in any state in which {@code send} and {@code answer} leave them. */
    private void mendTorn() {
        for (Request part = torn; part != null; part = torn) {
            torn = part.tornBefore;
            part.tornBefore = null;
            part.isTorn = false;
            Request parent = part.tornFrom;
            part.tornFrom = null;
            mend(part);
            if (parent != null) {
                queue.settleIfIdle(parent);
            }
        }
    }

    private void mend(Request part) {
        TagTable tags = queue.tags();
        int tag = part.tag();
        if (part.isCounted) {
            // Its end has been told: it is only to be given back, unless it has been.
            queue.giveBack(part);
            return;
        }
        boolean isFetched = tags.state(tag) == TagTable.State.FETCHED;
        boolean isCommitted = part.isToBeCommitted || (queue.isDrivers(part) && isFetched);
        if (isCommitted || queue.isUnfinished(part) || putOff.contains(part)) {
            return;
        }
        if (part.isToBeSent) {
            part.isToBeSent = false;
            part.partsOut--;
        }
        if (isFetched) {
            part.begin(tags.deliver(tag));
        }
        queue.fail(part, Errno.EIO.negated());
        if (part.isAnsweredHere) {
            part.held = true;
            part.heldResult = Errno.EIO.negated();
        }
        queue.settleIfIdle(part);
    }
}
