package dev.ublk4j.server;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntConsumer;

/**
 * Answers on their way from other threads to the queue thread.
 *
 * <p>A tag has at most one answer under way, so a bit and an int per tag hold everything: no queue
 * can overflow and nothing is allocated.
 */
final class AnswerInbox {
    private final int[] results;
    private final AtomicLongArray posted;
    private final AtomicBoolean wakePending = new AtomicBoolean();
    private final Doorbell doorbell;

    /**
     * Creates an empty inbox.
     *
     * @param doorbell makes the queue thread look in
     */
    AnswerInbox(int depth, Doorbell doorbell) {
        this.results = new int[depth];
        this.posted = new AtomicLongArray((depth + 63) >>> 6);
        this.doorbell = doorbell;
    }

    /**
     * Leaves the answer to a request; from any thread that has ended it in the {@link TagTable}.
     */
    void post(int tag, int result) {
        results[tag] = result;
        long bit = 1L << tag;
        // Full fence of the atomic: the result is visible before its bit, the bit before the flag.
        posted.accumulateAndGet(tag >>> 6, bit, (word, mask) -> word | mask);
        if (!wakePending.getAndSet(true)) {
            doorbell.ring();
        }
    }

    /**
     * Hands over the tag of every answer that has arrived; on the queue thread.
     *
     * @return whether there may have been any
     */
    boolean collect(IntConsumer onTag) {
        if (!wakePending.get()) {
            return false;
        }
        // Lowered before looking: an answer that comes after the look raises it again.
        wakePending.set(false);
        for (int word = 0; word < posted.length(); word++) {
            long bits = posted.get(word) == 0 ? 0 : posted.getAndSet(word, 0);
            while (bits != 0) {
                int tag = (word << 6) + Long.numberOfTrailingZeros(bits);
                bits &= bits - 1;
                onTag.accept(tag);
            }
        }
        return true;
    }

    /** {@return the answer of a tag that {@link #collect} has just handed over} */
    int result(int tag) {
        return results[tag];
    }
}
