package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Which requests of a split ring are out, in memory that the client keeps when this process dies
 * ({@code GET_INFLIGHT_FD}).
 *
 * <pre>{@code
 * struct {
 *     u64 features; u16 version; u16 desc_num; u16 last_batch_head; u16 used_idx;
 *     struct { u8 inflight; u8 padding[5]; u16 next; u64 counter; } desc[desc_num];
 * };
 * }</pre>
 *
 * <p>The order in which things are written is what counts: whoever takes over after a death at any
 * instant finds every request either marked, or answered in the ring.
 */
public final class SplitInflight {
    private static final int VERSION = 8;
    private static final int DESC_NUM = 10;
    private static final int LAST_BATCH_HEAD = 12;
    private static final int USED_IDX = 14;
    private static final int ENTRIES = 16;
    private static final int ENTRY_BYTES = 16;
    private static final int NEXT = 6;
    private static final int COUNTER = 8;
    private static final int ALIGNMENT = 64;

    private static final short CURRENT_VERSION = 1;
    private static final int MASK = 0xffff;

    private static final VarHandle BYTE = JAVA_BYTE.varHandle();
    private static final VarHandle SHORT = JAVA_SHORT.varHandle();

    private final MemorySegment memory;
    private final int size;

    /** Answered and not yet published. */
    private final int[] batch;

    private int batched;

    /** Heads that were out when another process died, in the order they were made available. */
    private int[] unfinished = {};

    private int taken;
    private long counter = 1;

    /**
     * Takes over the memory of one ring.
     *
     * @param memory {@link #bytes} of it, 8-byte aligned
     * @param size entries of the ring
     */
    public SplitInflight(MemorySegment memory, int size) {
        this.memory = memory;
        this.size = size;
        this.batch = new int[size];
    }

    /** {@return the bytes that a ring needs, a multiple of what rings are aligned to} */
    public static long bytes(int size) {
        long bytes = ENTRIES + (long) size * ENTRY_BYTES;
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    private static long entry(int head) {
        return ENTRIES + (long) head * ENTRY_BYTES;
    }

    /**
     * Finds out what was out when the process before this one died.
     *
     * @param usedIndex where the used ring is
     * @return how many requests were out, which {@link #nextUnfinished} now tells
     */
    int recover(int usedIndex) {
        if (memory.get(JAVA_SHORT, VERSION) == 0) {
            memory.set(JAVA_SHORT, VERSION, CURRENT_VERSION);
            memory.set(JAVA_SHORT, DESC_NUM, (short) size);
            memory.set(JAVA_SHORT, USED_IDX, (short) usedIndex);
        } else if ((memory.get(JAVA_SHORT, DESC_NUM) & MASK) != size) {
            throw new BadRingException(
                    "the memory of requests in flight is of a ring of %d, not %d"
                            .formatted(memory.get(JAVA_SHORT, DESC_NUM) & MASK, size));
        }
        forgetPublished(usedIndex);
        int count = 0;
        int[] heads = new int[size];
        for (int head = 0; head < size; head++) {
            if (memory.get(JAVA_BYTE, entry(head)) != 0) {
                heads[count++] = head;
            }
        }
        unfinished = inOrder(Arrays.copyOf(heads, count));
        taken = 0;
        return count;
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
            memory.set(JAVA_BYTE, entry(head), (byte) 0);
            head = memory.get(JAVA_SHORT, entry(head) + NEXT) & MASK;
        }
        memory.set(JAVA_SHORT, USED_IDX, (short) usedIndex);
    }

    private int[] inOrder(int[] heads) {
        // Read once: the client may write here, and sorting wants its numbers to stay.
        long[] counters = new long[size];
        for (int head : heads) {
            counters[head] = memory.get(JAVA_LONG, entry(head) + COUNTER);
            counter = Math.max(counter, counters[head] + 1);
        }
        return Arrays.stream(heads)
                .boxed()
                .sorted((one, other) -> Long.compare(counters[one], counters[other]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    boolean hasUnfinished() {
        return taken < unfinished.length;
    }

    /** {@return how many requests that were out have not been told by {@link #nextUnfinished}} */
    int unfinished() {
        return unfinished.length - taken;
    }

    /** {@return the next request that was out} */
    int nextUnfinished() {
        return unfinished[taken++];
    }

    /** Marks a request that has been taken off the ring. */
    void begin(int head) {
        memory.set(JAVA_LONG, entry(head) + COUNTER, counter++);
        BYTE.setRelease(memory, entry(head), (byte) 1);
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
            BYTE.setRelease(memory, entry(batch[i]), (byte) 0);
        }
        batched = 0;
        SHORT.setRelease(memory, (long) USED_IDX, (short) usedIndex);
    }
}
