package dev.ublk4j.server;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** Memory that is shared with a device, until it is closed. */
public final class SharedBuffer implements AutoCloseable {
    private final Device device;
    private final int index;
    private final MemorySegment memory;
    private final boolean mayBePinned;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean registered = true;

    SharedBuffer(Device device, int index, MemorySegment memory, boolean mayBePinned) {
        this.device = device;
        this.index = index;
        this.memory = memory;
        this.mayBePinned = mayBePinned;
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
     * the memory may be unmapped. A second call does nothing.
     *
     * @throws IllegalStateException when a handler of the device calls, whose own request would be
     *     waited for
     */
    @Override
    public void close() {
        device.buffers().requireOtherThread();
        if (closed.compareAndSet(false, true)) {
            registered = !device.buffers().unshare(index);
        }
    }

    @Override
    public String toString() {
        return "buffer %d of %s, %d bytes".formatted(index, device, memory.byteSize());
    }
}
