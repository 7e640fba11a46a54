package dev.ublk4j.sharedmemory;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Pins pages: keeps them in memory and in their frames for as long as wanted, as a driver does with
 * memory that is registered with it.
 *
 * <p>A process has no call to pin memory for itself. What pins for it is io_uring: registering a
 * fixed buffer pins its pages long-term, unregistering it unpins them. So this owns rings that are
 * used for nothing else, and opens another when the buffer tables of all are full.
 *
 * <p>Any thread may pin and unpin; they take turns. Closing unpins everything that is left.
 */
public final class PagePins implements AutoCloseable {
    private final ReentrantLock lock = new ReentrantLock();
    private final List<PinRing> rings = new ArrayList<>();
    private final PageLocks locks = new PageLocks();
    private final Set<Pin> pins = new HashSet<>();
    private final long pieceLength;
    private boolean closed;

    private PagePins(long pieceLength) {
        this.pieceLength = pieceLength;
        rings.add(new PinRing());
    }

    /**
     * {@return nothing pinned yet}
     *
     * @throws LinuxException when the kernel refuses a ring; {@link Errno#ENOSYS} or {@link
     *     Errno#EPERM} where it has none or does not allow them
     */
    public static PagePins open() {
        return new PagePins(PinRing.MAX_LENGTH);
    }

    /** {@return as {@link #open()}, with no more than so many bytes in one buffer slot} */
    static PagePins open(long pieceLength) {
        assert pieceLength <= PinRing.MAX_LENGTH : pieceLength;
        return new PagePins(pieceLength);
    }

    /**
     * Pins the pages of a range of memory, which gives those their memory that have none yet.
     *
     * <p>Pages that this process may write to are pinned for real, whether {@code writable} is
     * asked or not: they stay in their frames, and stay after the memory was unmapped. Pages mapped
     * read-only cannot be pinned that way, because io_uring always asks for writing. For {@code
     * writable} that is an error, as it is of a driver. Without, they are {@linkplain
     * Pin#isLockOnly locked} instead: they stay in memory for as long as they are mapped, but the
     * kernel may move them to other frames, and unmapping them ends it. Synthetic {@link
     * PageFrames} do not mind.
     *
     * @param address of the first byte
     * @param length bytes, more than 0; pages that the range touches are pinned whole
     * @param writable whether the holder of the pin wants to write
     * @throws LinuxException {@link Errno#EFAULT} when not all of the memory is there and as
     *     accessible as asked, {@link Errno#ENOMEM} when the process may not lock so much ({@code
     *     RLIMIT_MEMLOCK}); nothing is pinned then
     * @throws IllegalStateException after {@link #close}
     */
    public Pin pin(long address, long length, boolean writable) {
        if (length <= 0) {
            throw new IllegalArgumentException("length " + length);
        }
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("closed");
            }
            Pin.Hold hold = hold(address, length, writable);
            try {
                Pin pin = new Pin(this, address, length, hold);
                pins.add(pin);
                return pin;
            } catch (OutOfMemoryError e) {
                release(hold);
                throw e;
            }
        } finally {
            lock.unlock();
        }
    }

    private Pin.Hold hold(long address, long length, boolean writable) {
        try {
            return new Pin.Hold.Slots(slots(address, length));
        } catch (LinuxException e) {
            if (writable || e.errno() != Errno.EFAULT) {
                throw e;
            }
            return new Pin.Hold.Lock(locks.lock(address, length));
        }
    }

    private List<BufferSlot> slots(long address, long length) {
        List<BufferSlot> slots = new ArrayList<>(1);
        try {
            for (long at = 0; at < length; at += pieceLength) {
                long piece = Math.min(length - at, pieceLength);
                slots.add(ringWithRoom().pin(address + at, piece));
            }
            return slots;
        } catch (OutOfMemoryError e) {
            release(slots);
            throw e;
        } catch (LinuxException e) {
            release(slots);
            LinuxException named =
                    new LinuxException("pin", Memory.text(address, length), -e.number());
            named.initCause(e);
            throw named;
        }
    }

    private static void release(List<BufferSlot> slots) {
        for (BufferSlot slot : slots) {
            slot.ring().unpin(slot.index());
        }
    }

    private PinRing ringWithRoom() {
        for (PinRing ring : rings) {
            if (!ring.isFull()) {
                return ring;
            }
        }
        PinRing ring = new PinRing();
        rings.add(ring);
        return ring;
    }

    void unpin(Pin pin) {
        lock.lock();
        try {
            if (!pins.remove(pin)) {
                return;
            }
            release(pin.hold());
        } finally {
            lock.unlock();
        }
    }

    private void release(Pin.Hold hold) {
        switch (hold) {
            case Pin.Hold.Slots(List<BufferSlot> slots) -> release(slots);
            case Pin.Hold.Lock(PageLocks.Locked range) -> locks.unlock(range);
        }
    }

    /** {@return how many pins are held} */
    public int count() {
        lock.lock();
        try {
            return pins.size();
        } finally {
            lock.unlock();
        }
    }

    /** Unpins everything; a second call does nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                pins.clear();
                locks.close();
                rings.forEach(PinRing::close);
                rings.clear();
            }
        } finally {
            lock.unlock();
        }
    }
}
