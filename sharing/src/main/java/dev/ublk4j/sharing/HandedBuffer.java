package dev.ublk4j.sharing;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.Registered;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Peer;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.MemoryCheck.Range;
import dev.ublk4j.sharing.store.BufferRecord;
import dev.ublk4j.sharing.store.Estate.Heirloom;
import dev.ublk4j.sharing.store.MappedMemory;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Memory that was handed over, mapped and shared with the device until it is released.
 *
 * <p>Belongs to its holder, a connection or an adoption, or else to the device.
 */
final class HandedBuffer {
    /** Holds what cannot be claimed any more. */
    private static final BufferHolder NOBODY = new BufferHolder() {};

    private final SharedMemory memory;
    private final Range range;
    private final int flags;
    private final String name;
    private final @Nullable Path path;
    private final boolean inherited;
    private final Peer from;
    private final MappedMemory mapping;
    private final SharedBuffer shared;
    private final AtomicReference<@Nullable BufferHolder> holder;

    /**
     * Maps memory and shares it with a device.
     *
     * @param memory belongs to the buffer from now on, unless this throws
     * @param range what {@link MemoryCheck} has allowed
     * @param path where it is a file that stays, null for other memory
     * @param from who handed it over
     * @param holder the connection or the adoption that it belongs to, null for the device
     */
    HandedBuffer(
            Device device,
            SharedMemory memory,
            Range range,
            int flags,
            String name,
            @Nullable Path path,
            Peer from,
            @Nullable BufferHolder holder) {
        this.memory = memory;
        this.range = range;
        this.flags = flags;
        this.name = name;
        this.path = path;
        this.inherited = false;
        this.from = from;
        this.holder = new AtomicReference<>(holder);
        boolean readOnly = (flags & Exchange.READ_ONLY) != 0;
        this.mapping = new MappedMemory(memory, range.offset(), range.length(), readOnly);
        this.shared = share(device, readOnly);
    }

    /**
     * Takes over what a former server shared.
     *
     * @param heirloom its memory, which belongs to the buffer from now on
     */
    HandedBuffer(Device device, Heirloom heirloom) {
        BufferRecord buffer = heirloom.buffer();
        this.memory = heirloom.mapping().memory();
        this.range = new Range(buffer.offset(), buffer.length());
        this.flags = buffer.flags();
        this.name = buffer.name();
        this.from = buffer.from();
        this.path = buffer.path();
        this.inherited = true;
        this.mapping = heirloom.mapping();
        this.holder = new AtomicReference<>(null);
        this.shared = device.sharedBuffer(buffer.index()).orElseThrow();
    }

    private SharedBuffer share(Device device, boolean readOnly) {
        try {
            return device.share(mapping.segment(), readOnly);
        } catch (Throwable e) {
            ControlTimeoutException.whenSettled(e, mapping::unmap);
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

    /** {@return whether it belongs to a connection or an adoption} */
    boolean isHeldBy(BufferHolder some) {
        return some.equals(holder.get());
    }

    /** {@return whether it belonged to the device and is another's from now on} */
    boolean tryHold(BufferHolder some) {
        return holder.compareAndSet(null, some);
    }

    /** {@return whether it was taken from a process that did not hand it over} */
    boolean isAdopted() {
        return (flags & Exchange.ADOPTED) != 0;
    }

    /** {@return a new descriptor that names its file without opening it} */
    Fd openPath() {
        return Fd.open(Path.of("/proc/self/fd/" + memory.fd().number()), Fd.O_PATH);
    }

    /** {@return which part of its file it is} */
    Range range() {
        return range;
    }

    /** {@return whether only writes to the device use it} */
    boolean isReadOnly() {
        return (flags & Exchange.READ_ONLY) != 0;
    }

    /**
     * {@return whether nobody has claimed a buffer that belonged to a connection of a former
     * server, and nobody can from now on}
     */
    boolean tryExpire() {
        return (flags & Exchange.KEEP) == 0 && holder.compareAndSet(null, NOBODY);
    }

    /** {@return whether a former server shared it} */
    boolean isInherited() {
        return inherited;
    }

    /** {@return where it is a file that stays, null for other memory} */
    @Nullable Path path() {
        return path;
    }

    /** {@return whether it is the same part of the same memory, to be used in the same way} */
    boolean isSame(SharedMemory other, Range part, int otherFlags) {
        return memory.identity().equals(other.identity())
                && range.equals(part)
                && ((flags ^ otherFlags) & Exchange.READ_ONLY) == 0;
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
     * @return whether the driver has it no more
     * @throws RuntimeException when the device does not let go of it; it stays mapped then, until
     *     another call returns
     */
    boolean release() {
        shared.close();
        unmap();
        return !shared.isRegistered();
    }

    /** Unmaps it, once no device has it any more. */
    void unmap() {
        mapping.close();
    }

    @Override
    public String toString() {
        return "%s (%s of process %d)".formatted(shared, name, from.pid());
    }

    /** {@return what is written down of a buffer before it is registered} */
    static BufferRecord draft(
            SharedMemory memory,
            Range range,
            Request.Register request,
            @Nullable Path path,
            Peer from) {
        return new BufferRecord(
                "",
                BufferRecord.Phase.COMING,
                Exchange.NO_INDEX,
                range.offset(),
                range.length(),
                request.flags(),
                request.name(),
                from,
                memory.identity(),
                memory.size(),
                path);
    }
}
