package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.IoCommand;

/** Carries out the io commands that come over a ring, on its thread. */
final class RingCommands {
    /** The driver keeps the command; its completion comes later. */
    static final int KEPT = Integer.MIN_VALUE;

    private static final int INVALID = Errno.EINVAL.negated();
    private static final int UNREGISTER_IO_BUF = IoCommand.UBLK_U_IO_UNREGISTER_IO_BUF & 0xff;

    private final QueueSet queues;
    private final RingOwner owner;
    private final ServerRing ring;
    private final RequestDispatch dispatch;
    private final boolean needsBuffers;
    private final boolean asksForBuffers;
    private final boolean encoded;

    RingCommands(QueueSet queues, RingOwner owner, ServerRing ring, RequestDispatch dispatch) {
        this.queues = queues;
        this.owner = owner;
        this.ring = ring;
        this.dispatch = dispatch;
        needsBuffers = !queues.description().isUserCopy();
        asksForBuffers = queues.description().has(Feature.UBLK_F_NEED_GET_DATA);
        encoded = queues.settings().release().takesEncoded();
    }

    /** {@return the command's result, or {@link #KEPT}} */
    int run(int commandOp, int queueId, int tag, int result, long address, long userData) {
        int type = commandOp >>> 8 & 0xff;
        if (!encoded && type != 0) {
            return INVALID;
        }
        if (type != 'u' && type != 0) {
            return Errno.EOPNOTSUPP.negated();
        }
        int number = commandOp & 0xff;
        if (number == UNREGISTER_IO_BUF
                || queueId >= queues.count()
                || tag >= queues.description().depth()) {
            return INVALID;
        }
        UblkQueue queue = queues.queue(queueId);
        IoSlot slot = queue.slot(tag);
        if (number == IoCommand.UBLK_IO_FETCH_REQ) {
            return fetch(queue, slot, address, userData);
        }
        if (slot.thread() != Thread.currentThread()) {
            return INVALID;
        }
        int answer = slot.state().answerTo(number);
        if (answer < 0) {
            return answer;
        }
        return number == IoCommand.UBLK_IO_COMMIT_AND_FETCH_REQ
                ? commit(slot, result, address, userData)
                : takeBuffer(queue, slot, address, userData);
    }

    private int fetch(UblkQueue queue, IoSlot slot, long address, long userData) {
        boolean valid = needsBuffers ? address != 0 || asksForBuffers : address == 0;
        if (!valid) {
            return INVALID;
        }
        int answer = owner.fetch(queue, slot, ring, address, userData);
        return answer == 0 ? KEPT : answer;
    }

    private int commit(IoSlot slot, int result, long address, long userData) {
        boolean valid =
                needsBuffers
                        ? address != 0 || (asksForBuffers && !slot.request().isRead())
                        : address == 0 || slot.request().isAppend();
        if (!valid) {
            return INVALID;
        }
        BlockRequest request = slot.commit(ring, result, address, userData);
        if (request.isAppend()) {
            request.data().appended(address);
        }
        if (needsBuffers || slot.release()) {
            dispatch.complete(slot, request);
        }
        return KEPT;
    }

    private int takeBuffer(UblkQueue queue, IoSlot slot, long address, long userData) {
        slot.giveBuffer(ring, address, userData);
        int answer = dispatch.provideInto(queue, slot);
        return answer == RequestDispatch.NOTHING ? KEPT : answer;
    }
}
