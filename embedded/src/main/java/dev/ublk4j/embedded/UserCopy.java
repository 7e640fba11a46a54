package dev.ublk4j.embedded;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.wire.BufferOffset;
import java.lang.foreign.MemorySegment;

/** Copies requests' data for servers that ask for it themselves ({@code UBLK_F_USER_COPY}). */
final class UserCopy {
    private static final int INVALID = Errno.EINVAL.negated();
    private static final int DENIED = Errno.EACCES.negated();

    private UserCopy() {}

    /**
     * Copies between a buffer and the data of a request.
     *
     * @param reading whether the server reads, which is what writes are for
     * @return bytes, or a negative errno
     */
    static long copy(Device device, MemorySegment buffer, long position, boolean reading) {
        if (position < 0) {
            return INVALID;
        }
        if (device.state() == DeviceState.UBLK_S_DEV_DEAD) {
            return DENIED;
        }
        int queue = BufferOffset.queue(position);
        int tag = BufferOffset.tag(position);
        if (BufferOffset.isIntegrity(position) || queue >= device.queues()) {
            return INVALID;
        }
        if (!device.description().isUserCopy()) {
            return DENIED;
        }
        if (tag >= device.depth()) {
            return INVALID;
        }
        IoSlot slot = device.queue(queue).slot(tag);
        if (slot.thread() == Thread.currentThread()) {
            // Nobody but this thread can end the request.
            return slot.state().isServers()
                    ? copy(device, slot, buffer, BufferOffset.bytes(position), reading)
                    : INVALID;
        }
        if (!slot.acquire()) {
            return INVALID;
        }
        try {
            return copy(device, slot, buffer, BufferOffset.bytes(position), reading);
        } finally {
            if (slot.release()) {
                slot.finishAfterCommit();
            }
        }
    }

    private static long copy(
            Device device, IoSlot slot, MemorySegment buffer, long skip, boolean reading) {
        BlockRequest request = slot.request();
        if (!request.hasData() || skip > request.bytes()) {
            return INVALID;
        }
        if (reading != request.isWrite()) {
            return DENIED;
        }
        long bytes =
                reading
                        ? RequestCopy.read(request, skip, buffer)
                        : RequestCopy.write(request, skip, buffer);
        device.countUserCopy(bytes);
        return bytes;
    }
}
