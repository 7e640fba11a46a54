package dev.ublk4j.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.StringJoiner;

/**
 * The ring that carries entries to the kernel.
 *
 * <p>Used by one thread; the kernel is the only other party. {@link #toString} may be called from
 * anywhere and then shows a moment that may never have been.
 */
final class SubmissionQueue {
    /*
     * Counters:
     * ---------
     * head and tail count entries since the ring was made and wrap at 2^32; a distance is a
     * difference, and an index is a counter under the mask. The index array of the ring, where it
     * has one, is the identity and is written once, so entry i always sits in slot i.
     *
     * Who writes what:
     * ----------------
     * The kernel advances the shared head, only inside io_uring_enter (there is no SQPOLL here), so
     * a copy taken after each call is exact between calls. The shared tail is ours; it is stored
     * when entries are handed over and not for each one.
     */
    private static final VarHandle WORD = JAVA_INT.varHandle();

    private final MemorySegment ring;
    private final long headOffset;
    private final long tailOffset;
    private final long flagsOffset;
    private final MemorySegment sqes;
    private final int entries;
    private final int entryBytes;
    private int head;
    private int tail;

    /**
     * Takes over a ring with nothing in it.
     *
     * @param ring the mapping with the counters, at the given offsets in bytes
     * @param sqes a power of two of entries
     * @param entryBytes bytes of each, 64 or 128
     */
    SubmissionQueue(
            MemorySegment ring,
            long headOffset,
            long tailOffset,
            long flagsOffset,
            MemorySegment sqes,
            int entryBytes) {
        this.ring = ring;
        this.headOffset = headOffset;
        this.tailOffset = tailOffset;
        this.flagsOffset = flagsOffset;
        this.sqes = sqes;
        this.entryBytes = entryBytes;
        this.entries = Math.toIntExact(sqes.byteSize() / entryBytes);
        assert Integer.bitCount(entries) == 1 : entries;
        this.head = ring.get(JAVA_INT, headOffset); // the kernel stores it only when we call
        this.tail = head;
    }

    MemorySegment sqes() {
        return sqes;
    }

    int entries() {
        return entries;
    }

    int entryBytes() {
        return entryBytes;
    }

    /** {@return how many entries have been taken since the ring was made; wraps at 2^32} */
    int taken() {
        return tail;
    }

    /** {@return entries that can be taken before a submission} */
    int free() {
        return entries - pending();
    }

    /** {@return entries taken that the kernel has not} */
    int pending() {
        return tail - head;
    }

    /** {@return the offset of the next entry in {@link #sqes}, or -1 where none is free} */
    long next() {
        if (tail - head == entries) {
            return -1;
        }
        long base = (long) (tail & (entries - 1)) * entryBytes;
        tail++;
        return base;
    }

    /** {@return the offset of an entry that the kernel has not, the oldest being 0} */
    long pending(int index) {
        return (long) ((head + Objects.checkIndex(index, pending())) & (entries - 1)) * entryBytes;
    }

    /** {@return the slot of the entry at an offset, below {@link #entries}} */
    int slot(long base) {
        return (int) (base / entryBytes);
    }

    /**
     * Shows the kernel all entries taken so far.
     *
     * @return how many it has not taken
     */
    int publish() {
        WORD.setRelease(ring, tailOffset, tail); // pairs with the kernel's load-acquire of sq.tail
        return pending();
    }

    /** Learns how far the kernel has come; after each {@code io_uring_enter}. */
    void refresh() {
        // Pairs with the kernel's store-release of sq.head: it has finished with the entries
        // before head, which may now be overwritten.
        head = (int) WORD.getAcquire(ring, headOffset);
        assert pending() <= entries : this;
    }

    /** {@return whether the kernel keeps completions that found no room} */
    boolean overflown() {
        return (flags() & IoUring.IORING_SQ_CQ_OVERFLOW) != 0;
    }

    /** {@return whether a call would produce completions} */
    boolean needsEnter() {
        return (flags() & (IoUring.IORING_SQ_CQ_OVERFLOW | IoUring.IORING_SQ_TASKRUN)) != 0;
    }

    private int flags() {
        // A hint: nothing else is read because of it before the next call into the kernel.
        return (int) WORD.getOpaque(ring, flagsOffset);
    }

    @Override
    public String toString() {
        int from = head;
        int count = Math.clamp(tail - from, 0, entries);
        StringJoiner text =
                new StringJoiner(", ", "SubmissionQueue(%d of %d: ".formatted(count, entries), ")");
        text.setEmptyValue("SubmissionQueue(0 of %d)".formatted(entries));
        for (int i = 0; i < count; i++) {
            text.add(Sqe.describe(sqes, (long) ((from + i) & (entries - 1)) * entryBytes));
        }
        return text.toString();
    }
}
