package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A split virtqueue.
 *
 * <pre>{@code
 * struct virtq_desc  { le64 addr; le32 len; le16 flags; le16 next; } descriptors[size];  // align 16
 * struct virtq_avail { le16 flags; le16 idx; le16 ring[size]; le16 used_event; };         // align 2
 * struct virtq_used  { le16 flags; le16 idx;                                              // align 4
 *                      struct { le32 id; le32 len; } ring[size]; le16 avail_event; };
 * }</pre>
 */
public final class SplitRing implements Vring {
    private static final int FLAGS = 12;
    private static final int NEXT = 14;

    /** Of both other parts: the index, then the entries. */
    private static final int INDEX = 2;

    private static final int ENTRIES = 4;
    private static final int USED_ENTRY_BYTES = 8;

    /** Of the available part: the client does not want to be called. */
    private static final int NO_INTERRUPT = 1;

    /** Of the used part: the device does not want to be kicked. */
    private static final short NO_NOTIFY = 1;

    private static final int MASK = 0xffff;

    private static final VarHandle SHORT = JAVA_SHORT.varHandle();

    private final int size;
    private final MemorySegment descriptors;
    private final MemorySegment available;
    private final MemorySegment used;
    private final boolean indirect;
    private final boolean eventIndex;
    private final @Nullable SplitInflight inflight;

    // Indexes count on beyond the size, modulo 2^16.
    private int nextAvailable;
    private int seenAvailable;
    private int nextUsed;
    private int publishedUsed;

    /**
     * Where a split ring's parts are.
     *
     * @param size entries, a power of two
     * @param descriptors 16 bytes for each entry
     * @param available 6 bytes and 2 for each entry
     * @param used 6 bytes and 8 for each entry
     */
    public record Parts(
            int size, MemorySegment descriptors, MemorySegment available, MemorySegment used) {
        /**
         * Finds the parts in a client's memory.
         *
         * @throws BadRingException when one is not there, or not aligned
         */
        public static Parts find(
                GuestMemory memory, int size, long descriptors, long available, long used) {
            if (size < 1 || Integer.bitCount(size) != 1 || size > MAX_SIZE) {
                throw new BadRingException("a ring of %d entries".formatted(size));
            }
            return new Parts(
                    size,
                    memory.ofUser(descriptors, (long) size * Descriptor.BYTES, 16, "descriptors"),
                    memory.ofUser(available, 6 + 2L * size, 2, "available ring"),
                    memory.ofUser(used, 6 + (long) USED_ENTRY_BYTES * size, 4, "used ring"));
        }
    }

    /**
     * Takes a ring over.
     *
     * @param indirect whether descriptors may name tables of descriptors
     * @param eventIndex whether both sides say at which index they want to be told
     * @param base the index of the first request to take, unless {@code inflight} knows better
     * @param inflight what survives the death of this process, where the client keeps it
     */
    public SplitRing(
            Parts parts,
            boolean indirect,
            boolean eventIndex,
            int base,
            @Nullable SplitInflight inflight) {
        this.size = parts.size();
        this.descriptors = parts.descriptors();
        this.available = parts.available();
        this.used = parts.used();
        this.indirect = indirect;
        this.eventIndex = eventIndex;
        this.inflight = inflight;
        nextUsed = (short) SHORT.getAcquire(used, (long) INDEX) & MASK;
        publishedUsed = nextUsed;
        nextAvailable = base & MASK;
        if (inflight != null) {
            nextAvailable = (nextUsed + inflight.recover(nextUsed)) & MASK;
        }
        seenAvailable = nextAvailable;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int unfinished() {
        return inflight == null ? 0 : inflight.unfinished();
    }

    @Override
    public int pop(GuestMemory memory, DescriptorChain chain) {
        if (inflight != null && inflight.hasUnfinished()) {
            int head = inflight.nextUnfinished();
            walk(head, memory, chain);
            return head;
        }
        if (nextAvailable == seenAvailable && !look()) {
            return NONE;
        }
        long entry = ENTRIES + 2L * (nextAvailable & (size - 1));
        int head = (short) SHORT.get(available, entry) & MASK;
        if (head >= size) {
            throw new BadRingException("head %d in a ring of %d".formatted(head, size));
        }
        walk(head, memory, chain);
        nextAvailable = (nextAvailable + 1) & MASK;
        if (inflight != null) {
            inflight.mark(head);
        }
        return head;
    }

    /** Looks how far the client has got; answers whether further than this has. */
    private boolean look() {
        // Pairs with the client's release of avail.idx: entries and descriptors before it are
        // there.
        seenAvailable = (short) SHORT.getAcquire(available, (long) INDEX) & MASK;
        int ahead = (seenAvailable - nextAvailable) & MASK;
        // What the client has not seen to be used is still the device's.
        if (ahead > size || ((seenAvailable - publishedUsed) & MASK) > size) {
            throw new BadRingException(
                    "the available index jumps from %d to %d in a ring of %d"
                            .formatted(nextAvailable, seenAvailable, size));
        }
        return ahead != 0;
    }

    private void walk(int head, GuestMemory memory, DescriptorChain chain) {
        chain.begin(memory);
        MemorySegment table = descriptors;
        long start = 0;
        int entries = size;
        int index = head;
        boolean inTable = false;
        for (int left = DescriptorChain.MAX_DESCRIPTORS; ; left--) {
            if (left == 0) {
                throw new BadRingException(
                        "the descriptors from %d on form a loop".formatted(head));
            }
            if (index >= entries) {
                throw new BadRingException("descriptor %d of %d".formatted(index, entries));
            }
            long base = start + (long) index * Descriptor.BYTES;
            long address = table.get(JAVA_LONG, base);
            int length = table.get(JAVA_INT, base + Descriptor.LENGTH);
            int flags = table.get(JAVA_SHORT, base + FLAGS);
            int next = table.get(JAVA_SHORT, base + NEXT) & MASK;
            if ((flags & Descriptor.F_INDIRECT) == 0) {
                chain.add(address, length, (flags & Descriptor.F_WRITE) != 0);
                if ((flags & Descriptor.F_NEXT) == 0) {
                    return;
                }
                index = next;
            } else {
                if (!indirect || inTable || (flags & Descriptor.F_NEXT) != 0) {
                    throw new BadRingException("an indirect descriptor that must not be one");
                }
                int region = Descriptor.tableRegion(memory, address, length);
                table = memory.region(region).memory();
                start = address - memory.region(region).guest();
                entries = length / Descriptor.BYTES;
                index = 0;
                inTable = true;
            }
        }
    }

    @Override
    public void push(int id, int written) {
        long entry = ENTRIES + (long) USED_ENTRY_BYTES * (nextUsed & (size - 1));
        used.set(JAVA_INT, entry, id);
        used.set(JAVA_INT, entry + Integer.BYTES, written);
        nextUsed = (nextUsed + 1) & MASK;
        if (inflight != null) {
            inflight.end(id);
        }
    }

    @Override
    public boolean publish() {
        int before = publishedUsed;
        if (nextUsed == before) {
            return false;
        }
        // Pairs with the client's acquire of used.idx: the data and the entries are there.
        SHORT.setRelease(used, (long) INDEX, (short) nextUsed);
        publishedUsed = nextUsed;
        if (inflight != null) {
            inflight.published(nextUsed);
        }
        // The client sets the event, then looks at the index; here the index is set, then the event
        // looked at. With a full fence on either side one of the two sees the other.
        VarHandle.fullFence();
        if (eventIndex) {
            int event = (short) SHORT.getOpaque(available, ENTRIES + 2L * size) & MASK;
            return ((nextUsed - event - 1) & MASK) < ((nextUsed - before) & MASK);
        }
        return ((short) SHORT.getOpaque(available, 0L) & NO_INTERRUPT) == 0;
    }

    @Override
    public void disableKicks() {
        if (!eventIndex) {
            SHORT.setOpaque(used, 0L, NO_NOTIFY);
        }
        // With events there is nothing to do: the one that was asked for lies behind.
    }

    @Override
    public boolean enableKicks() {
        if (eventIndex) {
            long event = ENTRIES + (long) USED_ENTRY_BYTES * size;
            SHORT.setOpaque(used, event, (short) nextAvailable);
        } else {
            SHORT.setOpaque(used, 0L, (short) 0);
        }
        // The client makes available, then looks whether to kick; see publish.
        VarHandle.fullFence();
        return look();
    }

    @Override
    public int base() {
        return nextAvailable;
    }

    @Override
    public String toString() {
        return "split ring of %d, available %d, used %d".formatted(size, nextAvailable, nextUsed);
    }
}
