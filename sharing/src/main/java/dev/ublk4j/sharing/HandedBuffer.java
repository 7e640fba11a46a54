package dev.ublk4j.sharing;

import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.linux.UnixSocket.Peer;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.MemoryCheck.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Memory that was handed over, mapped and shared with the device until it is released.
 *
 * <p>Belongs to a connection, its holder, or else to the device.
 */
final class HandedBuffer {
    private final SharedMemory memory;
    private final Range range;
    private final int flags;
    private final String name;
    private final Peer from;
    private final Arena arena = Arena.ofShared();
    private final SharedBuffer shared;
    private final AtomicReference<@Nullable ClientConnection> holder;

    /**
     * Maps memory and shares it with a device.
     *
     * @param memory belongs to the buffer from now on, unless this throws
     * @param range what {@link MemoryCheck} has allowed
     * @param from who handed it over
     * @param holder the connection it belongs to, null for the device
     */
    HandedBuffer(
            Device device,
            SharedMemory memory,
            Range range,
            int flags,
            String name,
            Peer from,
            @Nullable ClientConnection holder) {
        this.memory = memory;
        this.range = range;
        this.flags = flags;
        this.name = name;
        this.from = from;
        this.holder = new AtomicReference<>(holder);
        this.shared = share(device);
    }

    private SharedBuffer share(Device device) {
        boolean readOnly = (flags & Exchange.READ_ONLY) != 0;
        try {
            MemorySegment mapping = memory.map(arena, range.offset(), range.length(), readOnly);
            return device.share(mapping, readOnly);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /** {@return the driver's index} */
    int index() {
        return shared.index();
    }

    /** {@return bytes} */
    long length() {
        return range.length();
    }

    /** {@return who handed it over} */
    Peer from() {
        return from;
    }

    /** {@return for people, and to claim it by} */
    String name() {
        return name;
    }

    /** {@return which file it is a part of} */
    FileIdentity identity() {
        return memory.identity();
    }

    /** {@return whether it belongs to a connection} */
    boolean isHeldBy(ClientConnection connection) {
        return holder.get() == connection;
    }

    /** {@return whether it belonged to the device and is the connection's from now on} */
    boolean tryHold(ClientConnection connection) {
        return holder.compareAndSet(null, connection);
    }

    /** {@return what its owner is told of it} */
    Registered registered() {
        return new Registered(index(), flagsNow(), length());
    }

    /** {@return what a list says of it} */
    BufferEntry entry(ClientConnection asking) {
        int own = isHeldBy(asking) ? Exchange.OWN : 0;
        return new BufferEntry(
                index(), flagsNow() | own, range.offset(), length(), from.pid(), from.uid(), name);
    }

    private int flagsNow() {
        return holder.get() == null ? flags | Exchange.KEEP : flags & ~Exchange.KEEP;
    }

    /**
     * Takes it back from the device and unmaps it.
     *
     * @throws RuntimeException when the device does not let go of it; it stays mapped then
     */
    void release() {
        shared.close();
        unmap();
    }

    /** Unmaps it, once no device has it any more. */
    void unmap() {
        arena.close();
        memory.close();
    }

    @Override
    public String toString() {
        return "%s (%s of process %d)".formatted(shared, name, from.pid());
    }
}
