package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Which requests of a packed ring are out, with copies of their descriptors, as answers to other
 * requests are written over those in the ring.
 *
 * <pre>{@code
 * struct {
 *     u64 features; u16 version; u16 desc_num;
 *     u16 free_head, old_free_head, used_idx, old_used_idx;
 *     u8 used_wrap_counter, old_used_wrap_counter, padding[7];
 *     struct {
 *         u8 inflight; u8 padding; u16 next, last, num; u64 counter;   // of a request's first
 *         u16 id, flags; u32 len; u64 addr;                            // of each descriptor
 *     } desc[desc_num];                                                // from byte 32 on
 * };
 * }</pre>
 */
public final class PackedInflight extends Inflight {
    /*
     * Entries:
     * --------
     * Each descriptor of a request that is out has an entry, and the entries are linked; the others are
     * linked in the free list, whose end is marked by the number after the last. The next process reads
     * those links from the memory. This one keeps its own, so that no client can tamper with them.
     *
     * Taking a request:
     * -----------------
     * It fills the first entries of the free list. What makes it taken is old_free_head, which then is
     * behind them: before that, whoever takes over finds them in the free list, and the request in the ring.
     *
     * A batch of answers:
     * -------------------
     * 1. The entries are put in front of the free list, and free_head and used_idx say how it will be.
     * 2. The ring shows the batch to the client, all of it at once: the flags of its first descriptor.
     * 3. The marks are cleared, and old_free_head and old_used_idx are set.
     * Whoever takes over in the midst of this looks at that descriptor and goes back or forward. Going back
     * leaves everything as it was before, as the free list from old_free_head on has not been touched.
     * Numbers that belong together are written together, for which they share an aligned word.
     */
    private static final int FREE_HEADS = 12;
    private static final int USED = 16;
    private static final int OLD_SHIFT = 16;
    private static final int WRAP_SHIFT = 32;
    private static final int OLD_WRAP_SHIFT = 40;
    private static final int WRAP_MASK = 0xff;
    private static final int WRAP_BIT = 15;

    private static final int ENTRY_BYTES = 32;
    private static final int NEXT = 2;
    private static final int LAST = 4;
    private static final int NUM = 6;
    private static final int ID = 16;
    private static final int FLAGS = 18;
    private static final int LENGTH = 20;
    private static final int ADDRESS = 24;

    private static final VarHandle INT = JAVA_INT.varHandle();
    private static final VarHandle LONG = JAVA_LONG.varHandle();

    private final Laps laps;
    private final int[] next;

    /** Of each request, by its first entry. */
    private final int[] last;

    private final int[] counts;

    /** Answered and not yet published. */
    private final int[] batch;

    private int batched;

    /** The first of the free list, {@code size} when it is empty. */
    private int free;

    /** The same, as it was before what is being published. */
    private int oldFree;

    private int usedPlace;
    private int outstanding;

    // The request that is being kept.
    private int filling;
    private int filled;
    private int kept;

    /**
     * Takes over the memory of one ring.
     *
     * @param memory {@link #bytes} of it, 8-byte aligned
     * @param size entries of the ring
     */
    public PackedInflight(MemorySegment memory, int size) {
        super(memory, size, ENTRY_BYTES);
        laps = new Laps(size);
        next = new int[size];
        last = new int[size];
        counts = new int[size];
        batch = new int[size];
    }

    /** {@return the bytes that a ring needs, a multiple of what rings are aligned to} */
    public static long bytes(int size) {
        return bytes(size, ENTRY_BYTES);
    }

    /**
     * Finds out what was out when the process before this one died.
     *
     * @param ring shows whether its last batch got there
     * @param start where the ring begins when there was no such process
     * @return the place of the next answer
     */
    int recover(PackedRing.Parts ring, int start) {
        if (isNew()) {
            begin(start);
            setUsed();
        } else {
            findLists(ring);
        }
        filling = free;
        return usedPlace;
    }

    private void begin(int start) {
        for (int number = 0; number < size; number++) {
            link(number, number + 1);
        }
        free = 0;
        settle(start);
    }

    private void findLists(PackedRing.Parts ring) {
        int frees = memory.get(JAVA_INT, FREE_HEADS);
        long used = memory.get(JAVA_LONG, USED);
        int now = place(used, (int) (used >>> WRAP_SHIFT));
        int old = place(used >>> OLD_SHIFT, (int) (used >>> OLD_WRAP_SHIFT));
        boolean published = now != old && !laps.isAvailable(ring.flags(laps.index(old)), old);
        free = (published ? frees : frees >>> OLD_SHIFT) & MASK;
        boolean[] seen = new boolean[size];
        for (int number = free; number < size; number = next[number]) {
            see(seen, number);
            unmark(number);
        }
        int requests = findMarked();
        for (int which = 0; which < requests; which++) {
            findRequest(seen, unfinished(which));
        }
        for (int number = 0; number < size; number++) {
            if (!seen[number]) {
                throw new BadRingException(
                        "entry %d of requests in flight is lost".formatted(number));
            }
        }
        settle(published ? now : old);
    }

    private int place(long index, int wrap) {
        int bit = (wrap & WRAP_MASK) == 0 ? 0 : 1;
        int place = laps.ofWord((int) (index & MASK >>> 1) | bit << WRAP_BIT);
        if (place < 0) {
            throw new BadRingException(
                    "index %d among the requests in flight".formatted(index & MASK));
        }
        return place;
    }

    private void findRequest(boolean[] seen, int head) {
        int count = memory.get(JAVA_SHORT, entry(head) + NUM) & MASK;
        if (count == 0) {
            throw new BadRingException("a request in flight without descriptors");
        }
        int number = head;
        see(seen, number);
        for (int left = count - 1; left > 0; left--) {
            number = next[number];
            see(seen, number);
        }
        last[head] = number;
        counts[head] = count;
        outstanding += count;
    }

    /** Takes the link of an entry over, which nothing else may have led to. */
    private void see(boolean[] seen, int number) {
        if (number >= size || seen[number]) {
            throw new BadRingException("entry %d among the requests in flight".formatted(number));
        }
        seen[number] = true;
        next[number] = Math.min(memory.get(JAVA_SHORT, entry(number) + NEXT) & MASK, size);
    }

    /** {@return the descriptors in the ring of all requests that were out} */
    int outstanding() {
        return outstanding;
    }

    /** Keeps one more descriptor of a request. */
    void keep(long address, int length, int id, int flags) {
        long entry = entry(filling);
        memory.set(JAVA_SHORT, entry + ID, (short) id);
        memory.set(JAVA_SHORT, entry + FLAGS, (short) flags);
        memory.set(JAVA_INT, entry + LENGTH, length);
        memory.set(JAVA_LONG, entry + ADDRESS, address);
        filled = filling;
        filling = next[filling];
        kept++;
    }

    /**
     * Marks the request whose descriptors have been kept.
     *
     * @return what to {@link #end} it with
     */
    int begin() {
        int head = free;
        last[head] = filled;
        counts[head] = kept;
        memory.set(JAVA_SHORT, entry(head) + LAST, (short) filled);
        memory.set(JAVA_SHORT, entry(head) + NUM, (short) kept);
        mark(head);
        free = filling;
        oldFree = free;
        writeFree();
        kept = 0;
        return head;
    }

    /** Notes a request that has been put on the ring again. */
    void end(int head) {
        batch[batched++] = head;
    }

    /** Says what will be when the client sees all that has ended. */
    void publishing(int newPlace) {
        for (int i = 0; i < batched; i++) {
            link(last[batch[i]], free);
            free = batch[i];
        }
        writeFree();
        writeUsed(newPlace, usedPlace);
    }

    /** Clears the marks of what has ended, once the client can see it. */
    void published(int newPlace) {
        for (int i = 0; i < batched; i++) {
            unmark(batch[i]);
        }
        batched = 0;
        filling = free;
        settle(newPlace);
    }

    private void link(int number, int to) {
        next[number] = to;
        memory.set(JAVA_SHORT, entry(number) + NEXT, (short) to);
    }

    private void settle(int newPlace) {
        oldFree = free;
        usedPlace = newPlace;
        writeFree();
        writeUsed(newPlace, newPlace);
    }

    private void writeFree() {
        INT.setRelease(memory, (long) FREE_HEADS, free | oldFree << OLD_SHIFT);
    }

    private void writeUsed(int newPlace, int oldPlace) {
        long indexes = laps.index(newPlace) | (long) laps.index(oldPlace) << OLD_SHIFT;
        long wraps = wrap(newPlace) << WRAP_SHIFT | wrap(oldPlace) << OLD_WRAP_SHIFT;
        LONG.setRelease(memory, (long) USED, indexes | wraps);
    }

    private long wrap(int place) {
        return place < size ? 1 : 0;
    }

    // What was kept of a request. Each of these reads what the client can write.

    int count(int head) {
        return counts[head];
    }

    int after(int number) {
        return next[number];
    }

    int id(int head) {
        return memory.get(JAVA_SHORT, entry(last[head]) + ID) & MASK;
    }

    long address(int number) {
        return memory.get(JAVA_LONG, entry(number) + ADDRESS);
    }

    int length(int number) {
        return memory.get(JAVA_INT, entry(number) + LENGTH);
    }

    int flags(int number) {
        return memory.get(JAVA_SHORT, entry(number) + FLAGS) & MASK;
    }
}
