package dev.ublk4j.conformance.device;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoOp;
import java.lang.foreign.MemorySegment;

/** A disk in an array. */
public final class MemoryBackend implements Handler {
    private final byte[] bytes;
    private final MemorySegment disk;

    /** Creates a disk of zeroes. */
    public MemoryBackend(int size) {
        bytes = new byte[size];
        disk = MemorySegment.ofArray(bytes);
    }

    /** {@return the disk} */
    public MemorySegment disk() {
        return disk;
    }

    @Override
    public synchronized int handle(Seen request, MemorySegment data) {
        switch (request.op()) {
            case IoOp.UBLK_IO_OP_READ ->
                    MemorySegment.copy(disk, request.position(), data, 0, request.bytes());
            case IoOp.UBLK_IO_OP_WRITE ->
                    MemorySegment.copy(data, 0, disk, request.position(), request.bytes());
            case IoOp.UBLK_IO_OP_DISCARD, IoOp.UBLK_IO_OP_WRITE_ZEROES -> {
                disk.asSlice(request.position(), request.bytes()).fill((byte) 0);
                return 0;
            }
            case IoOp.UBLK_IO_OP_FLUSH -> {
                return 0;
            }
            default -> {
                return Errno.EOPNOTSUPP.negated();
            }
        }
        return request.bytes();
    }
}
