package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * Which requests of a split ring are out.
 *
 * <pre>{@code
 * struct {
 *     u64 features; u16 version; u16 desc_num; u16 last_batch_head; u16 used_idx;
 *     struct { u8 inflight; u8 padding[5]; u16 next; u64 counter; } desc[desc_num];
 * };
 * }</pre>
 */
public final class SplitInflight extends Inflight {
    private static final int LAST_BATCH_HEAD = 12;
    private static final int USED_IDX = 14;
    private static final int ENTRY_BYTES = 16;
    private static final int NEXT = 6;

    /** Answered and not yet published. */
    private final int[] batch;

    private int batched;

    /**
     * Takes over the memory of one ring.
     *
     * @param memory {@link #bytes} of it, 8-byte aligned
     * @param size entries of the ring
     */
    public SplitInflight(MemorySegment memory, int size) {
        super(memory, size, ENTRY_BYTES);
        this.batch = new int[size];
    }

    /** {@return the bytes that a ring needs, a multiple of what rings are aligned to} */
    public static long bytes(int size) {
        return bytes(size, ENTRY_BYTES);
    }

    /**
     * Finds out what was out when the process before this one died.
     *
     * @param usedIndex where the used ring is
     * @return how many requests were out, which {@link #nextUnfinished} now tells
     */
    int recover(int usedIndex) {
        if (isNew()) {
            memory.set(JAVA_SHORT, USED_IDX, (short) usedIndex);
            setUsed();
        }
        forgetPublished(usedIndex);
        return findMarked();
    }

    /**
     * Clears the marks of the last batch, where it was published and its marks were not cleared.
     */
    private void forgetPublished(int usedIndex) {
        int cleared = memory.get(JAVA_SHORT, USED_IDX) & MASK;
        int head = memory.get(JAVA_SHORT, LAST_BATCH_HEAD) & MASK;
        for (int left = Math.min((usedIndex - cleared) & MASK, size); left > 0; left--) {
            if (head >= size) {
                throw new BadRingException("head %d among the requests in flight".formatted(head));
            }
            unmark(head);
            head = memory.get(JAVA_SHORT, entry(head) + NEXT) & MASK;
        }
        memory.set(JAVA_SHORT, USED_IDX, (short) usedIndex);
    }

    /** Notes a request that has been put on the used ring. */
    void end(int head) {
        memory.set(
                JAVA_SHORT,
                entry(head) + NEXT,
                (short) (int) memory.get(JAVA_SHORT, LAST_BATCH_HEAD));
        SHORT.setRelease(memory, (long) LAST_BATCH_HEAD, (short) head);
        batch[batched++] = head;
    }

    /** Clears the marks of what has been put on the used ring, once the client can see it. */
    void published(int usedIndex) {
        for (int i = 0; i < batched; i++) {
            unmark(batch[i]);
        }
        batched = 0;
        SHORT.setRelease(memory, (long) USED_IDX, (short) usedIndex);
    }
}
