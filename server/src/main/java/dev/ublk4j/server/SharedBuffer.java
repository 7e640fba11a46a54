package dev.ublk4j.server;

import java.lang.foreign.MemorySegment;

/** Memory that is shared with a device, until it is closed. */
public final class SharedBuffer implements AutoCloseable {
    private static final long IN_TABLE = -1;

    private final Device device;
    private final MemorySegment memory;
    private final boolean mayBePinned;
    private int index;
    private volatile boolean registered = true;

    /** The epoch of the table that queues must have seen; negative while it is in there. */
    private volatile long epoch = IN_TABLE;

    /** Makes a buffer that the driver has yet to number: see {@link #setIndex}. */
    SharedBuffer(Device device, MemorySegment memory, boolean mayBePinned) {
        this.device = device;
        this.memory = memory;
        this.mayBePinned = mayBePinned;
    }

    /** Sets the number that the driver has given, before anybody else sees the buffer. */
    void setIndex(int index) {
        this.index = index;
    }

    /** {@return the number under which the driver knows the buffer, 0 to 65535} */
    public int index() {
        return index;
    }

    /** {@return the memory} */
    public MemorySegment memory() {
        return memory;
    }

    /** {@return whether queues may register it with their rings, which pins all of its pages} */
    boolean mayBePinned() {
        return mayBePinned;
    }

    /**
     * {@return whether the driver has the buffer} It keeps it when this is closed while the device
     * waits for another server, which inherits it.
     */
    public boolean isRegistered() {
        return registered;
    }

    /**
     * Takes the memory back. Waits for requests that use it; when this has returned, none does and
     * the memory may be unmapped. When this has thrown, the memory is still in use, and another
     * call does what is left; after one that has returned it does nothing.
     *
     * @throws dev.ublk4j.driver.ControlTimeoutException when requests use it for longer than
     *     anybody should wait; the driver goes on, and with the outcome another call returns
     * @throws IllegalStateException when a handler of the device calls, whose own request would be
     *     waited for, or when a queue is held up
     */
    @Override
    public void close() {
        device.buffers().requireOtherThread();
        device.buffers().unshare(this);
    }

    boolean isInTable() {
        return epoch == IN_TABLE;
    }

    /** {@return the epoch of the table from which on no queue finds the buffer} */
    long epoch() {
        return epoch;
    }

    /**
     * Notes that it has been taken out of the table; once.
     *
     * @param newEpoch of the table
     * @param kept whether the driver still has it
     */
    void removed(long newEpoch, boolean kept) {
        registered = kept;
        epoch = newEpoch;
    }

    @Override
    public String toString() {
        return "buffer %d of %s, %d bytes".formatted(index, device, memory.byteSize());
    }
}
