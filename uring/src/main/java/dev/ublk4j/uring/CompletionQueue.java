package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.StringJoiner;

/**
 * The ring that carries completions from the kernel.
 *
 * <p>Used by one thread; counters are those of {@link SubmissionQueue}. {@link #toString} may be
 * called from anywhere and then shows a moment that may never have been.
 */
final class CompletionQueue {
    private static final VarHandle WORD = JAVA_INT.varHandle();

    private final MemorySegment ring;
    private final long headOffset;
    private final long tailOffset;
    private final long cqesOffset;
    private final int entries;
    private int head;
    private boolean closed;

    /**
     * Takes over a ring.
     *
     * @param ring the mapping with the counters and the completions, at the given offsets in bytes
     * @param entries completions that fit, a power of two
     */
    CompletionQueue(
            MemorySegment ring, long headOffset, long tailOffset, long cqesOffset, int entries) {
        assert Integer.bitCount(entries) == 1 : entries;
        this.ring = ring;
        this.headOffset = headOffset;
        this.tailOffset = tailOffset;
        this.cqesOffset = cqesOffset;
        this.entries = entries;
        this.head = ring.get(JAVA_INT, headOffset); // nobody but us ever stores it
    }

    int entries() {
        return entries;
    }

    /** {@return completions in the ring} */
    int ready() {
        return tail() - head;
    }

    private int tail() {
        // Pairs with the kernel's store-release of cq.tail: completions before it are written.
        return (int) WORD.getAcquire(ring, tailOffset);
    }

    /**
     * Hands over the completions that are in the ring at the time of the call.
     *
     * @return how many
     */
    int drain(CompletionHandler handler) {
        int last = tail();
        int count = 0;
        try {
            // A handler that drains in turn may move head beyond last; one that closes ends it.
            while (last - head > 0 && !closed) {
                long base = cqesOffset + (long) (head & (entries - 1)) * Cqe.BYTES;
                long userData = Cqe.userData(ring, base);
                int result = Cqe.result(ring, base);
                int flags = Cqe.flags(ring, base);
                head++;
                count++;
                handler.onCompletion(userData, result, flags);
            }
        } finally {
            if (!closed) {
                // Pairs with the kernel's read of cq.head before it stores into a slot: our reads
                // of the slots are done. Also when the handler threw: what it saw must not come
                // again.
                WORD.setRelease(ring, headOffset, head);
            }
        }
        return count;
    }

    /** Ends a drain that is under way, whose memory is about to go. */
    void close() {
        closed = true;
    }

    @Override
    public String toString() {
        int from = head;
        int count = Math.clamp(tail() - from, 0, entries);
        StringJoiner text =
                new StringJoiner(", ", "CompletionQueue(%d of %d: ".formatted(count, entries), ")");
        text.setEmptyValue("CompletionQueue(0 of %d)".formatted(entries));
        for (int i = 0; i < count; i++) {
            long base = cqesOffset + (long) ((from + i) & (entries - 1)) * Cqe.BYTES;
            text.add(
                    "userData=0x%x result=%d flags=0x%x"
                            .formatted(
                                    Cqe.userData(ring, base),
                                    Cqe.result(ring, base),
                                    Cqe.flags(ring, base)));
        }
        return text.toString();
    }
}
