package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Which requests of a ring are out, in memory that the client keeps when this process dies ({@code
 * GET_INFLIGHT_FD}): what is the same for all rings.
 *
 * <pre>{@code
 * struct {
 *     u64 features; u16 version; u16 desc_num; ...                   // as long as an entry
 *     struct { u8 inflight; ...; u64 counter; ... } desc[desc_num];  // the counter at byte 8
 * };
 * }</pre>
 *
 * <p>The order in which things are written is what counts: whoever takes over after a death at any
 * instant finds every request either marked, or answered in the ring.
 */
public abstract sealed class Inflight permits SplitInflight, PackedInflight {
    static final int MASK = 0xffff;

    static final VarHandle SHORT = JAVA_SHORT.varHandle();

    private static final int VERSION = 8;
    private static final int DESC_NUM = 10;
    private static final int COUNTER = 8;
    private static final int ALIGNMENT = 64;

    private static final short CURRENT_VERSION = 1;

    private static final VarHandle BYTE = JAVA_BYTE.varHandle();

    final MemorySegment memory;
    final int size;
    private final int entryBytes;

    /** Entries that were out when another process died, in the order they were made available. */
    private int[] unfinished = {};

    private int taken;
    private long counter = 1;

    Inflight(MemorySegment memory, int size, int entryBytes) {
        this.memory = memory;
        this.size = size;
        this.entryBytes = entryBytes;
    }

    /** {@return the bytes that a ring needs, a multiple of what rings are aligned to} */
    static long bytes(int size, int entryBytes) {
        long bytes = (1L + size) * entryBytes;
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** {@return where an entry begins} */
    final long entry(int number) {
        return (1L + number) * entryBytes;
    }

    /**
     * {@return whether no process has used the memory yet}
     *
     * @throws BadRingException when one has, for a ring of another size
     */
    final boolean isNew() {
        if (memory.get(JAVA_SHORT, VERSION) == 0) {
            return true;
        }
        int was = memory.get(JAVA_SHORT, DESC_NUM) & MASK;
        if (was != size) {
            throw new BadRingException(
                    "the memory of requests in flight is of a ring of %d, not %d"
                            .formatted(was, size));
        }
        return false;
    }

    /** Says that the memory is used, once everything else is in it. */
    final void setUsed() {
        memory.set(JAVA_SHORT, DESC_NUM, (short) size);
        SHORT.setRelease(memory, (long) VERSION, CURRENT_VERSION);
    }

    /** {@return how many requests are marked, which {@link #nextUnfinished} now tells} */
    final int findMarked() {
        int count = 0;
        int[] marked = new int[size];
        for (int number = 0; number < size; number++) {
            if (memory.get(JAVA_BYTE, entry(number)) != 0) {
                marked[count++] = number;
            }
        }
        unfinished = inOrder(Arrays.copyOf(marked, count));
        taken = 0;
        return count;
    }

    private int[] inOrder(int[] marked) {
        // Read once: the client may write here, and sorting wants its numbers to stay.
        long[] counters = new long[size];
        for (int number : marked) {
            counters[number] = memory.get(JAVA_LONG, entry(number) + COUNTER);
            counter = Math.max(counter, counters[number] + 1);
        }
        return Arrays.stream(marked)
                .boxed()
                .sorted((one, other) -> Long.compare(counters[one], counters[other]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** {@return one of those that were found} */
    final int unfinished(int which) {
        return unfinished[which];
    }

    final boolean hasUnfinished() {
        return taken < unfinished.length;
    }

    /** {@return how many requests that were out have not been told by {@link #nextUnfinished}} */
    final int unfinished() {
        return unfinished.length - taken;
    }

    /** {@return the next request that was out} */
    final int nextUnfinished() {
        return unfinished[taken++];
    }

    /** Marks a request. */
    final void mark(int number) {
        memory.set(JAVA_LONG, entry(number) + COUNTER, counter++);
        BYTE.setRelease(memory, entry(number), (byte) 1);
    }

    /** Takes a request's mark away. */
    final void unmark(int number) {
        BYTE.setRelease(memory, entry(number), (byte) 0);
    }
}
