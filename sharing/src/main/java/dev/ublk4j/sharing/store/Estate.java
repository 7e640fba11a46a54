package dev.ublk4j.sharing.store;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The buffers that a former server of a device left, with their memory mapped by this process.
 *
 * <p>A file must still be the one that was shared: the same device, inode and size. Memory without
 * a name comes from the {@link DescriptorStore}.
 */
public final class Estate {
    private final BufferStore store;
    private final List<Heirloom> heirlooms = new ArrayList<>();
    private final Map<Integer, BufferRecord> lost = new HashMap<>();
    private final List<String> complaints = new ArrayList<>();

    private Estate(BufferStore store) {
        this.store = store;
    }

    /**
     * A buffer whose memory is there.
     *
     * @param buffer what is noted of it, with its index
     * @param mapping its memory
     */
    public record Heirloom(BufferRecord buffer, MappedMemory mapping) {
        /** {@return whether it is to be unregistered at once} */
        public boolean isUnwanted() {
            return buffer.phase() != BufferRecord.Phase.LIVE;
        }
    }

    /**
     * Opens what a store has noted.
     *
     * @throws LinuxException when the descriptors that are kept cannot be had
     */
    public static Estate open(BufferStore store) {
        Estate estate = new Estate(store);
        Map<String, Fd> kept = new HashMap<>(store.takeDescriptors());
        try {
            List<BufferRecord> buffers = store.records();
            for (BufferRecord noted : buffers) {
                if (noted.index() < 0 && !store.knowsAll()) {
                    estate.giveUp(noted);
                    continue;
                }
                int index = noted.index() >= 0 ? noted.index() : lowestFree(buffers);
                if (index != noted.index()) {
                    store.resolve(noted, index);
                }
                estate.take(noted.in(noted.phase(), index), kept.remove(noted.key()));
            }
        } finally {
            kept.values().forEach(Fd::close);
        }
        return estate;
    }

    /** What the driver calls it, if it has it at all, is not known. */
    private void giveUp(BufferRecord buffer) {
        store.forget(buffer);
        complaints.add(
                "buffer (%s) is lost: its server died while registering it, and the other buffers of the device are unknown"
                        .formatted(buffer.name()));
    }

    private static int lowestFree(List<BufferRecord> buffers) {
        Set<Integer> taken = new HashSet<>();
        buffers.forEach(buffer -> taken.add(buffer.index()));
        int index = 0;
        while (taken.contains(index)) {
            index++;
        }
        return index;
    }

    private void take(BufferRecord buffer, @Nullable Fd kept) {
        try {
            SharedMemory memory = open(buffer, kept);
            try {
                check(buffer, memory);
                heirlooms.add(
                        new Heirloom(
                                buffer,
                                new MappedMemory(
                                        memory,
                                        buffer.offset(),
                                        buffer.length(),
                                        isReadOnly(buffer))));
            } catch (Throwable e) {
                memory.close();
                throw e;
            }
        } catch (LinuxException e) {
            lost.put(buffer.index(), buffer);
            complaints.add(
                    "buffer %d (%s) is lost: %s"
                            .formatted(buffer.index(), buffer.name(), e.getMessage()));
        }
    }

    private static SharedMemory open(BufferRecord buffer, @Nullable Fd kept) {
        if (buffer.path() != null) {
            return SharedMemory.open(buffer.path(), !isReadOnly(buffer));
        }
        if (kept == null) {
            throw new LinuxException(
                    "descriptor store", "nobody kept its memory", Errno.ENOENT.negated());
        }
        return SharedMemory.adopt(kept);
    }

    private static boolean isReadOnly(BufferRecord buffer) {
        return (buffer.flags() & Exchange.READ_ONLY) != 0;
    }

    private static void check(BufferRecord buffer, SharedMemory memory) {
        if (!buffer.identity().equals(memory.identity())) {
            throw stale(memory, "is not the file that was shared");
        }
        long size = memory.size();
        // Memory that is kept may have grown, as its client likes.
        boolean fits =
                buffer.path() == null
                        ? size >= buffer.offset() + buffer.length()
                        : size == buffer.size();
        if (!fits) {
            throw stale(memory, "has another size than the file that was shared");
        }
        if (buffer.path() == null && (buffer.flags() & Exchange.TRUSTED) == 0) {
            memory.requireSealed(Seal.SHRINK);
        }
    }

    private static LinuxException stale(SharedMemory memory, String what) {
        return new LinuxException(
                "open", memory.fd().name() + ", which " + what, Errno.ESTALE.negated());
    }

    /** {@return what the device is to be recovered with} */
    public Inheritance inheritance() {
        Map<Integer, MemorySegment> buffers = new HashMap<>();
        heirlooms.forEach(
                heirloom -> buffers.put(heirloom.buffer().index(), heirloom.mapping().segment()));
        return new Inheritance(buffers, lost.keySet());
    }

    /** {@return the buffers whose memory is there} */
    public List<Heirloom> heirlooms() {
        return List.copyOf(heirlooms);
    }

    /** {@return what a person should know of the others, a line each} */
    public List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** Strikes out what was lost, once the device has been recovered, and with it unregistered. */
    public void settle() {
        lost.values().forEach(store::forget);
    }

    /** Unmaps everything, when the device has not been recovered. */
    public void abandon() {
        heirlooms.forEach(heirloom -> heirloom.mapping().close());
    }
}
