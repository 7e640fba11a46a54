package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.wire.BatchIoLayout;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.ElemHeaderLayout;
import dev.ublk4j.uapi.wire.IoCommand;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the commands of a server that speaks of many tags at a time ({@code
 * UBLK_F_BATCH_IO}). On the thread of the ring.
 */
final class BatchCommands {
    private static final int INVALID = Errno.EINVAL.negated();

    private static final int ALL_FLAGS =
            BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA
                    | BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR
                    | BatchIoLayout.UBLK_BATCH_F_AUTO_BUF_REG_FALLBACK;

    /** What a device must have that this driver has not. */
    private static final int NEVER = BatchIoLayout.UBLK_BATCH_F_AUTO_BUF_REG_FALLBACK | ~ALL_FLAGS;

    private final QueueSet queues;
    private final RingOwner owner;
    private final ServerRing ring;
    private final RequestDispatch dispatch;
    private final boolean needsBuffers;
    private final boolean checked;
    private final Arena arena = Arena.ofAuto();

    /** A copy of the elements, where their address may be bad. */
    private @Nullable MemorySegment copy;

    BatchCommands(QueueSet queues, RingOwner owner, ServerRing ring, RequestDispatch dispatch) {
        this.queues = queues;
        this.owner = owner;
        this.ring = ring;
        this.dispatch = dispatch;
        this.needsBuffers = !queues.description().isUserCopy();
        this.checked = queues.settings().checkedCopies();
    }

    /** {@return the result of {@code PREP_IO_CMDS} or {@code COMMIT_IO_CMDS}} */
    int run(int commandOp, int queueId, int flags, int count, long address) {
        if (queueId >= queues.count()) {
            return INVALID;
        }
        if (count > queues.description().depth()) {
            return Errno.E2BIG.negated();
        }
        boolean hasAddress = (flags & BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR) != 0;
        boolean hasPlace = (flags & BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA) != 0;
        if ((flags & NEVER) != 0
                || (hasAddress && !needsBuffers)
                || (hasPlace && !queues.description().isZoned())) {
            return INVALID;
        }
        int bytes = ElemHeaderLayout.elementBytes(flags);
        MemorySegment elements = elements(address, (long) count * bytes);
        if (elements == null) {
            return Errno.EFAULT.negated();
        }
        long base = checked ? 0 : address;
        UblkQueue queue = queues.queue(queueId);
        return commandOp == IoCommand.UBLK_U_IO_PREP_IO_CMDS
                ? prepare(queue, elements, base, count, bytes, hasAddress)
                : commit(queue, elements, base, count, flags);
    }

    private @Nullable MemorySegment elements(long address, long bytes) {
        if (!checked) {
            return RequestCopy.ALL;
        }
        MemorySegment place = copy;
        if (place == null) {
            place =
                    arena.allocate(
                            BufferOffset.UBLK_MAX_QUEUE_DEPTH
                                    * (long) ElemHeaderLayout.elementBytes(ALL_FLAGS),
                            Long.BYTES);
            copy = place;
        }
        return UserMemory.read(address, place.asSlice(0, bytes)) == 0 ? place : null;
    }

    private static long address(MemorySegment elements, long at, boolean hasAddress) {
        return hasAddress
                ? elements.get(
                        ValueLayout.JAVA_LONG_UNALIGNED, at + ElemHeaderLayout.bufAddrOffset())
                : 0;
    }

    /** All of the tags, or none. */
    private int prepare(
            UblkQueue queue,
            MemorySegment elements,
            long base,
            int count,
            int bytes,
            boolean hasAddress) {
        ReentrantLock lock = owner.fetchLock();
        lock.lock();
        try {
            for (int i = 0; i < count; i++) {
                long at = base + (long) i * bytes;
                int tag = ElemHeaderLayout.tag(elements, at);
                long address = address(elements, at, hasAddress);
                int answer =
                        tag >= queue.depth() || (needsBuffers && address == 0)
                                ? INVALID
                                : owner.fetch(queue, queue.slot(tag), ring, address, 0);
                if (answer != 0) {
                    for (int done = 0; done < i; done++) {
                        int prepared = ElemHeaderLayout.tag(elements, base + (long) done * bytes);
                        owner.unfetch(queue, queue.slot(prepared));
                    }
                    return answer;
                }
            }
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** One tag after the other, until one is refused. */
    private int commit(UblkQueue queue, MemorySegment elements, long base, int count, int flags) {
        int bytes = ElemHeaderLayout.elementBytes(flags);
        boolean hasAddress = (flags & BatchIoLayout.UBLK_BATCH_F_HAS_BUF_ADDR) != 0;
        for (int i = 0; i < count; i++) {
            long at = base + (long) i * bytes;
            int answer =
                    commit(
                            queue,
                            elements,
                            at,
                            address(elements, at, hasAddress),
                            place(elements, at, flags));
            if (answer != 0) {
                return i == 0 ? answer : i * bytes;
            }
        }
        return count * bytes;
    }

    /** {@return the sector that an element has for a zone append; no sector where it has none} */
    private static long place(MemorySegment elements, long at, int flags) {
        return (flags & BatchIoLayout.UBLK_BATCH_F_HAS_ZONE_LBA) != 0
                ? elements.get(
                        ValueLayout.JAVA_LONG_UNALIGNED, at + ElemHeaderLayout.zoneLbaOffset(flags))
                : -1;
    }

    private int commit(UblkQueue queue, MemorySegment elements, long at, long address, long place) {
        int tag = ElemHeaderLayout.tag(elements, at);
        if (tag >= queue.depth()) {
            return INVALID;
        }
        IoSlot slot = queue.slot(tag);
        if (slot.state() != TagState.SERVED) {
            return Errno.EBUSY.negated();
        }
        if (needsBuffers && address == 0) {
            return INVALID;
        }
        if (!slot.claim()) {
            return Errno.EBUSY.negated();
        }
        BlockRequest request = slot.accept(ring, ElemHeaderLayout.result(elements, at), address);
        if (request.isAppend()) {
            request.data().appended(place);
        }
        if (needsBuffers || slot.release()) {
            dispatch.complete(slot, request);
        }
        return 0;
    }
}
