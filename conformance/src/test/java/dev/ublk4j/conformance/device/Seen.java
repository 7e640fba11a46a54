package dev.ublk4j.conformance.device;

import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.ShmemAddress;
import java.lang.foreign.MemorySegment;

/**
 * A request as a server sees it: one descriptor.
 *
 * @param queue the queue it came from
 * @param tag its tag
 * @param op {@code UBLK_IO_OP_...}
 * @param flags {@code UBLK_IO_F_...}
 * @param sector the first sector
 * @param sectors how many
 * @param address {@code ublksrv_io_desc.addr}
 */
public record Seen(int queue, int tag, int op, int flags, long sector, int sectors, long address) {
    private static final int COMPARED_FLAGS =
            IoFlag.UBLK_IO_F_FUA | IoFlag.UBLK_IO_F_NOUNMAP | IoFlag.UBLK_IO_F_INTEGRITY;

    static Seen read(MemorySegment descriptors, long base, int queue, int tag) {
        return new Seen(
                queue,
                tag,
                IoDescLayout.op(descriptors, base),
                IoDescLayout.flags(descriptors, base),
                IoDescLayout.startSector(descriptors, base),
                IoDescLayout.nrSectors(descriptors, base),
                IoDescLayout.addr(descriptors, base));
    }

    /** {@return bytes of the device that are meant} */
    public int bytes() {
        return sectors << 9;
    }

    /** {@return the byte of the device that is meant first} */
    public long position() {
        return sector << 9;
    }

    /** {@return whether the data lies in a registered buffer} */
    public boolean isShared() {
        return (flags & IoFlag.UBLK_IO_F_SHMEM_ZC) != 0;
    }

    /** {@return whether it must be durable when it is answered} */
    public boolean isDurable() {
        return (flags & IoFlag.UBLK_IO_F_FUA) != 0;
    }

    /** {@return whether integrity metadata comes with the data} */
    public boolean hasMetadata() {
        return (flags & IoFlag.UBLK_IO_F_INTEGRITY) != 0;
    }

    /** {@return the registered buffer} */
    public int bufferIndex() {
        return ShmemAddress.index(address);
    }

    /** {@return bytes from the start of the registered buffer} */
    public long bufferOffset() {
        return ShmemAddress.offset(address);
    }

    /** {@return operation and place, as tests compare them} */
    public String what() {
        return "%s %d+%d".formatted(IoOp.name(op), sector, sectors);
    }

    /** {@return all that two drivers must agree on} */
    public String compared() {
        String where =
                isShared() ? " in buffer %d at %d".formatted(bufferIndex(), bufferOffset()) : "";
        int some = flags & COMPARED_FLAGS;
        return what() + (some == 0 ? "" : " flags %x".formatted(some)) + where;
    }
}
