package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.LockedMemory;
import dev.ublk4j.uapi.wire.ShmemAddress;
import dev.ublk4j.uring.Ring;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One queue's view of the device's shared buffers: finds the memory that a descriptor names, and
 * keeps buffers registered with the queue's io_uring for targets that do fixed I/O. On the queue's
 * thread.
 */
final class SharedData {
    private static final System.Logger LOG = System.getLogger(SharedData.class.getName());

    /** Registered buffers that an io_uring can have ({@code IORING_MAX_REG_BUFFERS}). */
    private static final int SLOTS = 1 << 14;

    /** The largest registered buffer of an io_uring. */
    private static final long LARGEST_SLOT = 1L << 30;

    /** Slices that are remembered: an application's buffers come again and again. */
    private static final int REMEMBERED = 1 << 12;

    private final BufferTable table;
    private final Ring ring;
    private final int depth;

    /** The slots behind these are for requests' own data: {@link #slotOfTag}. */
    private final int sharedSlots;

    private final @Nullable SharedBuffer[] sliceOf = new @Nullable SharedBuffer[REMEMBERED];
    private final long[] sliceAddress = new long[REMEMBERED];
    private final @Nullable MemorySegment[] slices = new @Nullable MemorySegment[REMEMBERED];

    /** What each slot of the ring holds; empty until a target asks for a slot. */
    private @Nullable SharedBuffer[] slots = {};

    /** What could not be put into a slot, by index. */
    private @Nullable SharedBuffer[] refused = {};

    private int highestSlot = -1;

    /** Read by the thread that removes a buffer. */
    private volatile long seenEpoch;

    SharedData(BufferTable table, Ring ring, int depth) {
        this.table = table;
        this.ring = ring;
        this.depth = depth;
        this.sharedSlots = SLOTS - 2 * depth;
    }

    /**
     * {@return the memory that a descriptor's address names, or null when the buffer is not known}
     *
     * @param address {@code ublksrv_io_desc.addr} of a request with {@code UBLK_IO_F_SHMEM_ZC}
     * @param length bytes of the request
     * @param toRead whether the data is only read
     * @throws IndexOutOfBoundsException when the request reaches beyond the buffer
     */
    @Nullable MemorySegment find(long address, long length, boolean toRead) {
        SharedBuffer buffer = table.lookUp(ShmemAddress.index(address));
        if (buffer == null) {
            return null;
        }
        // The direction sits where the address has no bits.
        long key = address | (toRead ? 1L << 63 : 0);
        int place = place(key, length);
        MemorySegment slice = slices[place];
        if (slice != null
                && sliceOf[place] == buffer
                && sliceAddress[place] == key
                && slice.byteSize() == length) {
            return slice;
        }
        slice = buffer.memory().asSlice(ShmemAddress.offset(address), length);
        slice = toRead ? slice.asReadOnly() : slice;
        sliceOf[place] = buffer;
        sliceAddress[place] = key;
        slices[place] = slice;
        return slice;
    }

    private static int place(long key, long length) {
        long mixed = (key ^ length) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed >>> (Long.SIZE - Integer.numberOfTrailingZeros(REMEMBERED)));
    }

    /**
     * {@return the slot of the ring that holds a buffer, or -1 when it cannot be registered, or
     * must not be}
     *
     * <p>The first call for a buffer registers it, which pins its pages.
     */
    int slot(long address) {
        int index = ShmemAddress.index(address);
        SharedBuffer buffer = table.lookUp(index);
        if (buffer == null
                || !buffer.mayBePinned()
                || index >= sharedSlots
                || buffer.memory().byteSize() > LARGEST_SLOT) {
            return -1;
        }
        if (slots.length != 0 && slots[index] == buffer) {
            return index;
        }
        return register(index, buffer) ? index : -1;
    }

    /** {@return the slot of the ring that the data of a tag's requests is registered in} */
    int slotOfTag(int tag) {
        return sharedSlots + tag;
    }

    /** {@return the slot for the pages that cannot be registered in {@link #slotOfTag}} */
    int spareSlotOfTag(int tag) {
        return sharedSlots + depth + tag;
    }

    /** Gives the ring its slots, all of them empty, unless it has them. */
    void openSlots() {
        if (slots.length == 0) {
            @Nullable SharedBuffer[] empty = new @Nullable SharedBuffer[sharedSlots];
            refused = new @Nullable SharedBuffer[sharedSlots];
            ring.registerSparseBuffers(SLOTS);
            slots = empty;
        }
    }

    private boolean register(int index, SharedBuffer buffer) {
        try {
            openSlots();
            if (refused[index] == buffer) {
                return false;
            }
            MemorySegment memory = buffer.memory();
            ring.updateBuffer(index, memory.address(), memory.byteSize());
            slots[index] = buffer;
            highestSlot = Math.max(highestSlot, index);
            return true;
        } catch (LinuxException e) {
            // The I/O works without, just slower.
            tell(buffer, e);
            refused[index] = buffer;
            return false;
        }
    }

    /** Tells of the limit once, for all buffers and queues of the device. */
    private void tell(SharedBuffer buffer, LinuxException e) {
        if (e.errno() != Errno.ENOMEM) {
            // Memory that must not be written: io_uring takes none, and nothing can be done.
            LOG.log(Level.DEBUG, () -> buffer + " stays unregistered with a queue's ring", e);
        } else if (table.isFirstRefusal()) {
            LOG.log(
                    Level.WARNING,
                    () ->
                            "%s is not pinned, so the kernel looks up its pages for each request, which is slower: %s"
                                    .formatted(buffer, LockedMemory.remedy()));
        }
    }

    /** Lets go of buffers that have been taken out of the table. */
    void catchUp() {
        long epoch = table.epoch();
        if (epoch == seenEpoch) {
            return;
        }
        for (int index = 0; index <= highestSlot; index++) {
            SharedBuffer held = slots[index];
            if (held != null && held != table.lookUp(index)) {
                ring.clearBuffer(index);
                slots[index] = null;
            }
        }
        seenEpoch = epoch;
    }

    /**
     * {@return the epoch of the table up to which removed buffers are let go of}; from any thread
     */
    long seenEpoch() {
        return seenEpoch;
    }

    /** Notes that the ring is closed: nothing is held any more. */
    void closed() {
        seenEpoch = Long.MAX_VALUE;
    }
}
