package dev.ublk4j.embedded.control;

import dev.ublk4j.embedded.device.OwnQueues;
import dev.ublk4j.embedded.device.UblkDevice;
import dev.ublk4j.embedded.range.RangeTable;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code REG_BUF} and {@code UNREG_BUF}: shared memory for requests that are not copied. */
final class BufferCommands {
    private static final int INVALID = Errno.EINVAL.negated();

    private BufferCommands() {}

    /** {@code REG_BUF}; answers the buffer's index or a negative errno. */
    static int register(UblkDevice device, ControlHeader header) {
        if (!device.description().has(Feature.UBLK_F_SHMEM_ZC)) {
            return Errno.EOPNOTSUPP.negated();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment wanted = arena.allocate(ShmemBufRegLayout.SIZE, Long.BYTES);
            int given = Math.min(header.length(), ShmemBufRegLayout.SIZE);
            if (UserMemory.read(header.address(), wanted.asSlice(0, given)) < 0) {
                return Errno.EFAULT.negated();
            }
            int flags = ShmemBufRegLayout.flags(wanted, 0);
            long address = ShmemBufRegLayout.addr(wanted, 0);
            long bytes = ShmemBufRegLayout.len(wanted, 0);
            if ((flags & ~ShmemBufRegLayout.UBLK_SHMEM_BUF_READ_ONLY) != 0
                    || ShmemBufRegLayout.reserved(wanted, 0) != 0) {
                return INVALID;
            }
            if (bytes == 0
                    || Long.compareUnsigned(bytes, ShmemBufRegLayout.MAX_LENGTH) > 0
                    || !Pages.isAligned(bytes | address)) {
                return INVALID;
            }
            return device.buffers().register(address, bytes, flags);
        }
    }

    /** {@code UNREG_BUF}: returns when no request uses the buffer. */
    static int unregister(UblkDevice device, ControlHeader header, OwnQueues own) {
        if (!device.description().has(Feature.UBLK_F_SHMEM_ZC)) {
            return Errno.EOPNOTSUPP.negated();
        }
        int index = (int) header.data();
        if (index < 0 || index >= RangeTable.MAX_BUFFERS) {
            return INVALID;
        }
        return device.buffers().unregister(index, own);
    }
}
