package dev.ublk4j.vhostuser.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A guest's end of a packed virtqueue: it knows the layout from its description, not from the
 * classes that are tested.
 */
public final class PackedDriver {
    public static final int NEXT = 1;
    public static final int WRITE = 2;
    public static final int INDIRECT = 4;
    public static final int AVAIL = 1 << 7;
    public static final int USED = 1 << 15;

    public static final int EVENTS = 0;
    public static final int NO_EVENTS = 1;
    public static final int ONE_EVENT = 2;

    /** In a descriptor whose number nobody may look at. */
    private static final int NO_ID = 0x7777;

    private static final VarHandle SHORT = JAVA_SHORT.varHandle();

    private final MemorySegment memory;
    private final long ring;
    private final long driverEvent;
    private final long deviceEvent;
    private final int size;
    private final Map<Integer, Integer> counts = new HashMap<>();
    private int next;
    private boolean nextWrap = true;
    private int used;
    private boolean usedWrap = true;
    private int free;
    private Runnable beforeHead = () -> {};

    /** A descriptor that is to be one. */
    public record Piece(long guest, int length, int flags) {}

    /** An answer. */
    public record Answer(int id, int written) {}

    public PackedDriver(
            MemorySegment memory, long ring, long driverEvent, long deviceEvent, int size) {
        this.memory = memory;
        this.ring = ring;
        this.driverEvent = driverEvent;
        this.deviceEvent = deviceEvent;
        this.size = size;
        this.free = size;
    }

    /** Makes a request available whose descriptors have the flags of the pieces. */
    public void offer(int id, List<Piece> pieces) {
        int head = next;
        int headFlags = pieces.getFirst().flags() | available();
        for (int i = 0; i < pieces.size(); i++) {
            Piece piece = pieces.get(i);
            boolean isLast = i == pieces.size() - 1;
            write(next, piece.guest(), piece.length(), isLast ? id : NO_ID);
            if (i > 0) {
                setFlags(next, piece.flags() | available());
            }
            next++;
            if (next == size) {
                next = 0;
                nextWrap = !nextWrap;
            }
        }
        counts.put(id, pieces.size());
        free -= pieces.size();
        beforeHead.run();
        setFlags(head, headFlags);
    }

    /** Has something done when all of a request has been written but its first flags. */
    public void onOffering(Runnable action) {
        beforeHead = action;
    }

    private int available() {
        return nextWrap ? AVAIL : USED;
    }

    private void write(int index, long guest, int length, int id) {
        memory.set(JAVA_LONG, ring + index * 16L, guest);
        memory.set(JAVA_INT, ring + index * 16L + 8, length);
        memory.set(JAVA_SHORT, ring + index * 16L + 12, (short) id);
    }

    public void setFlags(int index, int flags) {
        SHORT.setRelease(memory, ring + index * 16L + 14, (short) flags);
    }

    public int flags(int index) {
        return (short) SHORT.getAcquire(memory, ring + index * 16L + 14) & 0xffff;
    }

    /** Writes an answer, as a device would that has died since. */
    public void answerByHand(int index, Answer answer, int flags) {
        memory.set(JAVA_INT, ring + index * 16L + 8, answer.written());
        memory.set(JAVA_SHORT, ring + index * 16L + 12, (short) answer.id());
        setFlags(index, flags);
    }

    /** Descriptors that are not the device's. */
    public int free() {
        return free;
    }

    public boolean isAnswered() {
        int flags = flags(used);
        return (flags & AVAIL) != 0 == usedWrap && (flags & USED) != 0 == usedWrap;
    }

    /** Takes the next answer, null when there is none. */
    public @Nullable Answer take() {
        if (!isAnswered()) {
            return null;
        }
        int id = memory.get(JAVA_SHORT, ring + used * 16L + 12) & 0xffff;
        Integer count = counts.remove(id);
        if (count == null) {
            throw new AssertionError("a reply to %d, which is not out".formatted(id));
        }
        boolean written = (flags(used) & WRITE) != 0;
        Answer answer = new Answer(id, written ? memory.get(JAVA_INT, ring + used * 16L + 8) : 0);
        used += count;
        if (used >= size) {
            used -= size;
            usedWrap = !usedWrap;
        }
        free += count;
        return answer;
    }

    /** Where the next request goes, as 15 bits and the wrap counter. */
    public int nextWord() {
        return next | (nextWrap ? 1 << 15 : 0);
    }

    /** Where the next answer is to be, as 15 bits and the wrap counter. */
    public int usedWord() {
        return used | (usedWrap ? 1 << 15 : 0);
    }

    /** Tells the device when to call. */
    public void setEvent(int kind, int word) {
        memory.set(JAVA_INT, driverEvent, word | kind << 16);
    }

    /** When the device wants to be kicked: the kind above, the word below. */
    public int deviceEvent() {
        return memory.get(JAVA_INT, deviceEvent);
    }
}
