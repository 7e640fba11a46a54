package dev.ublk4j.uring;

import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The files that are registered with a ring, each in a slot that entries with {@link
 * IoUring#IOSQE_FIXED_FILE} name: the kernel need not look it up among the descriptors, nor count
 * its users, for every entry. Used as the ring is.
 *
 * <p>A ring has one table of files, so all of its users share this. It is made with the first file.
 */
public final class FileSlots {
    private static final System.Logger LOG = System.getLogger(FileSlots.class.getName());

    private final Ring ring;
    private final int count;

    /** Slots of which some are in use; null before the first. */
    private @Nullable BitSet used;

    private boolean refused;

    /**
     * Creates slots that are all empty.
     *
     * @param ring has no files registered otherwise
     * @param count how many files there is room for: more are used by their descriptors
     */
    public FileSlots(Ring ring, int count) {
        this.ring = ring;
        this.count = count;
    }

    /**
     * Puts a file into a free slot. It stays open until it is {@linkplain #remove removed} and its
     * I/O has ended, whatever becomes of the descriptor.
     *
     * @return the slot; -1 where there is none, and the file is to be used by its descriptor
     * @throws LinuxException when {@code fd} is no open file
     */
    public int add(int fd) {
        BitSet slots = slotsOrNull();
        int slot = slots == null ? count : slots.nextClearBit(0);
        if (slots == null || slot >= count) {
            return -1;
        }
        ring.updateFile(slot, fd);
        slots.set(slot);
        return slot;
    }

    private @Nullable BitSet slotsOrNull() {
        if (used == null && !refused) {
            try {
                ring.registerSparseFiles(count);
                used = new BitSet(count);
            } catch (LinuxException e) {
                // The process may have fewer descriptors. The I/O works without, a little slower.
                refused = true;
                LOG.log(Level.DEBUG, () -> ring + " uses files by their descriptors", e);
            }
        }
        return used;
    }

    /** Takes a file out of its slot; does nothing for a slot that is empty. */
    public void remove(int slot) {
        BitSet slots = used;
        if (slots != null && slot >= 0 && slots.get(slot)) {
            slots.clear(slot);
            ring.updateFile(slot, -1);
        }
    }
}
