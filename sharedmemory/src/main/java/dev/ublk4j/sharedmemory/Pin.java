package dev.ublk4j.sharedmemory;

import java.util.List;

/** Pages held in memory until this is closed, or the {@link PagePins} they were pinned with. */
public final class Pin implements AutoCloseable {
    private final PagePins owner;
    private final long address;
    private final long length;
    private final Hold hold;

    /** What holds the pages: buffer slots of rings, or a lock on their addresses. */
    sealed interface Hold {
        /** The pages of consecutive pieces, each in a buffer slot: the kernel's own pins. */
        record Slots(List<BufferSlot> slots) implements Hold {}

        /** Pages locked by {@code mlock}. */
        record Lock(PageLocks.Locked range) implements Hold {}
    }

    Pin(PagePins owner, long address, long length, Hold hold) {
        this.owner = owner;
        this.address = address;
        this.length = length;
        this.hold = hold;
    }

    /** {@return the first address} */
    public long address() {
        return address;
    }

    /** {@return bytes} */
    public long length() {
        return length;
    }

    /**
     * {@return whether the pages are locked by address instead of pinned}
     *
     * <p>See {@link PagePins#pin} for what that means.
     */
    public boolean isLockOnly() {
        return hold instanceof Hold.Lock;
    }

    Hold hold() {
        return hold;
    }

    /** Lets go of the pages; a second call does nothing. */
    @Override
    public void close() {
        owner.unpin(this);
    }

    @Override
    public String toString() {
        return (isLockOnly() ? "lock of " : "pin of ") + Memory.text(address, length);
    }
}
