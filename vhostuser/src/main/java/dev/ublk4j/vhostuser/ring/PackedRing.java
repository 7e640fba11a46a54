package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A packed virtqueue.
 *
 * <pre>{@code
 * struct pvirtq_desc { le64 addr; le32 len; le16 id; le16 flags; } descriptors[size];  // align 16
 * struct pvirtq_event_suppress { le16 off_wrap; le16 flags; } driver, device;          // align 4
 * }</pre>
 */
public final class PackedRing implements Vring {
    /*
     * Both sides write into the one ring. The client makes a request available with as many descriptors as it
     * likes, at the next places. The device answers it with one descriptor, at the place of its next answer,
     * and goes on as many places as the request had. So the places of answers are always those of requests that
     * have been taken, and from the next answer that is not published to the next request there are never
     * more than a lap.
     *
     * The client looks for an answer only at the place of the next one. So answers are written as they come, and
     * stay out of sight until the first of them is marked as used.
     */

    /** The base of a ring that is new: everything at the start, with wrap counters of 1. */
    public static final int NEW_BASE = 0x8000_8000;

    /** The bit of a descriptor's flags that a device sets when it is done, in a lap of wrap 1. */
    private static final int F_USED = 1 << 15;

    private static final int ID = 12;
    private static final int FLAGS = 14;

    private static final int EVENT_BYTES = 4;
    private static final int EVENT_FLAGS_SHIFT = 16;
    private static final int EVENT_FLAGS_MASK = 3;
    private static final int EVENT_ENABLE = 0;
    private static final int EVENT_DISABLE = 1;
    private static final int EVENT_DESC = 2;

    private static final int MASK = 0xffff;

    private static final VarHandle SHORT = JAVA_SHORT.varHandle();
    private static final VarHandle INT = JAVA_INT.varHandle();

    private final int size;
    private final Laps laps;
    private final Parts parts;
    private final MemorySegment descriptors;
    private final MemorySegment driver;
    private final MemorySegment device;
    private final boolean indirect;
    private final boolean eventIndex;
    private final @Nullable PackedInflight inflight;

    /** Of each request that is out, by its number: how many descriptors it has in the ring. */
    private final int[] counts;

    /** The same: its first entry among those that are in flight. */
    private final int[] heads;

    // Places.
    private int nextAvailable;
    private int nextUsed;
    private int publishedUsed;

    /** The flags of the first answer that is not published. */
    private short heldFlags;

    /**
     * Where a packed ring's parts are.
     *
     * @param size entries
     * @param descriptors 16 bytes for each entry
     * @param driver 4 bytes: when the client wants to be called
     * @param device 4 bytes: when the device wants to be kicked
     */
    public record Parts(
            int size, MemorySegment descriptors, MemorySegment driver, MemorySegment device) {
        /**
         * Finds the parts in a client's memory.
         *
         * @throws BadRingException when one is not there, or not aligned
         */
        public static Parts find(
                GuestMemory memory, int size, long descriptors, long driver, long device) {
            if (size < 1 || size > MAX_SIZE) {
                throw new BadRingException("a packed ring of %d entries".formatted(size));
            }
            return new Parts(
                    size,
                    memory.ofUser(
                            descriptors, (long) size * Descriptor.BYTES, 16, "packed descriptors"),
                    memory.ofUser(driver, EVENT_BYTES, 4, "driver's event area"),
                    memory.ofUser(device, EVENT_BYTES, 4, "device's event area"));
        }

        /** {@return the flags of a descriptor; everything before they were written is there} */
        int flags(int index) {
            return (short) SHORT.getAcquire(descriptors, descriptor(index) + FLAGS) & MASK;
        }
    }

    /**
     * Takes a ring over.
     *
     * @param indirect whether descriptors may name tables of descriptors
     * @param eventIndex whether both sides may say at which descriptor they want to be told
     * @param base where to begin, unless {@code inflight} knows better
     * @param inflight what survives the death of this process, where the client keeps it
     */
    public PackedRing(
            Parts parts,
            boolean indirect,
            boolean eventIndex,
            int base,
            @Nullable PackedInflight inflight) {
        this.size = parts.size();
        this.laps = new Laps(size);
        this.parts = parts;
        this.descriptors = parts.descriptors();
        this.driver = parts.driver();
        this.device = parts.device();
        this.indirect = indirect;
        this.eventIndex = eventIndex;
        this.inflight = inflight;
        this.counts = new int[size];
        this.heads = new int[size];
        nextAvailable = begin(base, inflight == null);
        nextUsed = nextAvailable;
        if (inflight != null) {
            nextUsed = inflight.recover(parts, nextAvailable);
            nextAvailable = laps.add(nextUsed, inflight.outstanding());
            hideAnswers(inflight.outstanding());
        }
        publishedUsed = nextUsed;
    }

    /**
     * {@return the base that a client means by 0}
     *
     * <p>Clients that know of no wrap counters say it of a new ring, whose counters are 1. Others
     * say it of a ring at the start of a lap with counters of 0. The lap before has then set this
     * bit in the first descriptor, or the client has, in the lap that begins.
     */
    public static int baseOfZero(Parts parts) {
        return (parts.flags(0) & F_USED) != 0 ? 0 : NEW_BASE;
    }

    /**
     * {@return where a ring begins}
     *
     * @param alone whether nobody knows of requests that are out
     */
    private int begin(int base, boolean alone) {
        int available = laps.ofWord(base & MASK);
        int used = base >>> 16;
        if (available < 0) {
            throw new BadRingException("a base of 0x%x in a ring of %d".formatted(base, size));
        }
        // Not all clients know of a used index.
        if (alone && used != 0 && used != (base & MASK)) {
            throw new BadRingException("a base of 0x%x, with requests in flight".formatted(base));
        }
        return available;
    }

    /**
     * Takes back the answers that another process has written and not published. The first one has
     * no flags; the others must not be found when that place has another answer.
     */
    private void hideAnswers(int outstanding) {
        for (int i = 1; i < outstanding; i++) {
            int place = laps.add(nextUsed, i);
            descriptors.set(
                    JAVA_SHORT,
                    descriptor(laps.index(place)) + FLAGS,
                    (short) laps.available(place));
        }
    }

    private static long descriptor(int index) {
        return (long) index * Descriptor.BYTES;
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
            return popUnfinished(inflight, memory, chain);
        }
        // Pairs with the client's release of these flags, which it writes last.
        int flags = flags(nextAvailable);
        if (!laps.isAvailable(flags, nextAvailable)) {
            return NONE;
        }
        int room = size - laps.distance(publishedUsed, nextAvailable);
        chain.begin(memory);
        int place = nextAvailable;
        int count = 0;
        while (true) {
            if (count == room) {
                throw new BadRingException(
                        "more descriptors are available than the ring has: %s".formatted(this));
            }
            long at = descriptor(laps.index(place));
            long address = descriptors.get(JAVA_LONG, at);
            int length = descriptors.get(JAVA_INT, at + Descriptor.LENGTH);
            int id = descriptors.get(JAVA_SHORT, at + ID) & MASK;
            add(chain, address, length, flags, count == 0);
            if (inflight != null) {
                inflight.keep(address, length, id, flags);
            }
            count++;
            place = laps.add(place, 1);
            if ((flags & Descriptor.F_NEXT) == 0) {
                begin(id, count);
                nextAvailable = place;
                if (inflight != null) {
                    heads[id] = inflight.begin();
                }
                return id;
            }
            flags = flags(place);
            if (!laps.isAvailable(flags, place)) {
                throw new BadRingException(
                        "a request continues at %d, which is not available"
                                .formatted(laps.index(place)));
            }
        }
    }

    private int popUnfinished(PackedInflight known, GuestMemory memory, DescriptorChain chain) {
        int head = known.nextUnfinished();
        int id = known.id(head);
        begin(id, known.count(head));
        heads[id] = head;
        chain.begin(memory);
        int number = head;
        for (int i = 0; i < counts[id]; i++) {
            add(chain, known.address(number), known.length(number), known.flags(number), i == 0);
            number = known.after(number);
        }
        return id;
    }

    private int flags(int place) {
        return parts.flags(laps.index(place));
    }

    private void begin(int id, int count) {
        if (id >= size) {
            throw new BadRingException("request %d in a ring of %d".formatted(id, size));
        }
        if (counts[id] != 0) {
            throw new BadRingException("request %d is made available twice".formatted(id));
        }
        counts[id] = count;
    }

    private void add(DescriptorChain chain, long address, int length, int flags, boolean isFirst) {
        if ((flags & Descriptor.F_INDIRECT) == 0) {
            chain.add(address, length, (flags & Descriptor.F_WRITE) != 0);
            return;
        }
        if (!indirect || !isFirst || (flags & Descriptor.F_NEXT) != 0) {
            throw new BadRingException("an indirect descriptor that must not be one");
        }
        int region = Descriptor.tableRegion(chain.memory(), address, length);
        MemorySegment table = chain.memory().region(region).memory();
        long start = address - chain.memory().region(region).guest();
        if (length > DescriptorChain.MAX_DESCRIPTORS * Descriptor.BYTES) {
            throw new BadRingException("an indirect table of %d bytes".formatted(length));
        }
        for (long at = start; at < start + length; at += Descriptor.BYTES) {
            chain.add(
                    table.get(JAVA_LONG, at),
                    table.get(JAVA_INT, at + Descriptor.LENGTH),
                    (table.get(JAVA_SHORT, at + FLAGS) & Descriptor.F_WRITE) != 0);
        }
    }

    @Override
    public void push(int id, int written) {
        long at = descriptor(laps.index(nextUsed));
        descriptors.set(JAVA_INT, at + Descriptor.LENGTH, written);
        descriptors.set(JAVA_SHORT, at + ID, (short) id);
        short flags = (short) (laps.used(nextUsed) | (written == 0 ? 0 : Descriptor.F_WRITE));
        if (nextUsed == publishedUsed) {
            heldFlags = flags;
        } else {
            descriptors.set(JAVA_SHORT, at + FLAGS, flags);
        }
        nextUsed = laps.add(nextUsed, counts[id]);
        counts[id] = 0;
        if (inflight != null) {
            inflight.end(heads[id]);
        }
    }

    @Override
    public boolean publish() {
        int before = publishedUsed;
        if (nextUsed == before) {
            return false;
        }
        if (inflight != null) {
            inflight.publishing(nextUsed);
        }
        // Pairs with the client's acquire of these flags: the data and all answers are there.
        SHORT.setRelease(descriptors, descriptor(laps.index(before)) + FLAGS, heldFlags);
        publishedUsed = nextUsed;
        if (inflight != null) {
            inflight.published(nextUsed);
        }
        // The client sets the event, then looks for answers; here they are published, then the
        // event
        // looked at. With a full fence on either side one of the two sees the other.
        VarHandle.fullFence();
        int event = (int) INT.getOpaque(driver, 0L);
        return switch (event >>> EVENT_FLAGS_SHIFT & EVENT_FLAGS_MASK) {
            case EVENT_DISABLE -> false;
            case EVENT_DESC -> !eventIndex || isPassed(event & MASK, before);
            default -> true;
        };
    }

    /** {@return whether the client wants to be told of a place in what has just been published} */
    private boolean isPassed(int word, int before) {
        int wanted = laps.ofWord(word);
        return wanted < 0 || laps.distance(before, wanted) < laps.distance(before, nextUsed);
    }

    @Override
    public void disableKicks() {
        INT.setOpaque(device, 0L, EVENT_DISABLE << EVENT_FLAGS_SHIFT);
    }

    @Override
    public boolean enableKicks() {
        int event =
                eventIndex
                        ? EVENT_DESC << EVENT_FLAGS_SHIFT | laps.toWord(nextAvailable)
                        : EVENT_ENABLE << EVENT_FLAGS_SHIFT;
        INT.setOpaque(device, 0L, event);
        // The client makes available, then looks whether to kick; see publish.
        VarHandle.fullFence();
        return laps.isAvailable(flags(nextAvailable), nextAvailable);
    }

    @Override
    public int base() {
        return laps.toWord(nextAvailable) | laps.toWord(publishedUsed) << 16;
    }

    @Override
    public String toString() {
        return "packed ring of %d, available %d, used %d of two laps"
                .formatted(size, nextAvailable, nextUsed);
    }
}
