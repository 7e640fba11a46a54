package dev.ublk4j.testkit.fault;

import dev.ublk4j.uring.Opcode;
import dev.ublk4j.uring.PreparedEntry;
import org.jspecify.annotations.Nullable;

/**
 * One I/O that a target has prepared on its queue's ring.
 *
 * @param kind what it does
 * @param offset where in the file, bytes
 * @param length bytes, or the number of pieces of a vectored one; 0 for a sync of the whole file
 * @param plain whether it moves as many bytes as its entry says, so that it can be told fewer
 */
record BackendIo(Kind kind, long offset, long length, boolean plain) {
    /** What an I/O does to the file behind a target. */
    enum Kind {
        READ,
        WRITE,
        SYNC,
        ALLOCATE,
        OTHER
    }

    static BackendIo of(PreparedEntry entry) {
        Kind kind = kind(entry.opcode());
        // An fallocate has its length where others have an address.
        long length = kind == Kind.ALLOCATE ? entry.address() : entry.length() & 0xffff_ffffL;
        return new BackendIo(kind, entry.offset(), length, isPlain(entry.opcode()));
    }

    private static Kind kind(@Nullable Opcode opcode) {
        if (opcode == null) {
            return Kind.OTHER;
        }
        return switch (opcode) {
            case READ, READ_FIXED, READV, READV_FIXED -> Kind.READ;
            case WRITE, WRITE_FIXED, WRITEV, WRITEV_FIXED -> Kind.WRITE;
            case FSYNC, SYNC_FILE_RANGE -> Kind.SYNC;
            case FALLOCATE -> Kind.ALLOCATE;
            default -> Kind.OTHER;
        };
    }

    private static boolean isPlain(@Nullable Opcode opcode) {
        return opcode == Opcode.READ
                || opcode == Opcode.READ_FIXED
                || opcode == Opcode.WRITE
                || opcode == Opcode.WRITE_FIXED;
    }
}
