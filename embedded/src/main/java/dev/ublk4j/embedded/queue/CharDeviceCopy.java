package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.lang.foreign.MemorySegment;

/**
 * Copies requests' data and integrity metadata for servers that read and write the char device
 * themselves ({@code UBLK_F_USER_COPY}). Any thread.
 */
public final class CharDeviceCopy {
    private static final int INVALID = Errno.EINVAL.negated();
    private static final int DENIED = Errno.EACCES.negated();

    private CharDeviceCopy() {}

    /**
     * Copies between a part of a buffer and the data of a request.
     *
     * @param at where the part begins
     * @param length its bytes
     * @param position {@link BufferOffset}
     * @param reading whether the server reads, which is what writes are for
     * @return bytes, or a negative errno
     */
    public static long copy(
            QueueSet queues,
            MemorySegment buffer,
            long at,
            long length,
            long position,
            boolean reading) {
        int queue = BufferOffset.queue(position);
        int tag = BufferOffset.tag(position);
        boolean isMetadata = BufferOffset.isIntegrity(position);
        if ((isMetadata && !queues.description().has(Feature.UBLK_F_INTEGRITY))
                || queue >= queues.count()) {
            return INVALID;
        }
        if (!queues.description().isUserCopy()) {
            return DENIED;
        }
        if (tag >= queues.description().depth()) {
            return INVALID;
        }
        IoSlot slot = queues.queue(queue).slot(tag);
        if (slot.thread() == Thread.currentThread()) {
            // Nobody but this thread can end the request.
            return slot.state().isServers()
                    ? copy(queues, slot, buffer, at, length, position, reading)
                    : INVALID;
        }
        if (!slot.acquire()) {
            return INVALID;
        }
        try {
            return copy(queues, slot, buffer, at, length, position, reading);
        } finally {
            if (slot.release()) {
                RequestDispatch.completeWithoutCopy(
                        slot,
                        slot.request(),
                        slot.result(),
                        queues.settings().release().asksForTheRest());
            }
        }
    }

    private static long copy(
            QueueSet queues,
            IoSlot slot,
            MemorySegment buffer,
            long at,
            long length,
            long position,
            boolean reading) {
        BlockRequest request = slot.request();
        boolean isMetadata = BufferOffset.isIntegrity(position);
        long skip = BufferOffset.bytes(position);
        if (!request.hasData() || skip > (isMetadata ? request.metadataBytes() : request.bytes())) {
            return INVALID;
        }
        if (reading != request.isWrite()) {
            return DENIED;
        }
        if (isMetadata) {
            return RequestCopy.metadata(request, skip, buffer, at, length, reading);
        }
        long bytes =
                reading
                        ? RequestCopy.read(request, skip, buffer, at, length)
                        : RequestCopy.write(request, skip, buffer, at, length);
        queues.countUserCopy(bytes);
        return bytes;
    }
}
