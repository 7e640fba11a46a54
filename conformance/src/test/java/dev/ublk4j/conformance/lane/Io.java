package dev.ublk4j.conformance.lane;

import dev.ublk4j.conformance.lane.ClientArea.Piece;
import dev.ublk4j.uapi.IoOp;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One operation of an application.
 *
 * @param op {@code UBLK_IO_OP_...}
 * @param position bytes on the device
 * @param length bytes of the device that are meant
 * @param pieces where the data is, in order; empty where there is none
 * @param durable whether a write is to be on stable storage when it ends
 * @param mayUnmap whether zeroed space may be given back
 * @param metadata the integrity metadata of the data, null where the application brings none
 */
public record Io(
        int op,
        long position,
        long length,
        List<Piece> pieces,
        boolean durable,
        boolean mayUnmap,
        @Nullable Metadata metadata) {
    /**
     * Integrity metadata in the memory of an application.
     *
     * @param memory where it is, in one piece
     * @param seed the reference tag that the application has for the first piece of metadata; where
     *     it is the number of the interval on the disk, Linux changes no tag
     */
    public record Metadata(MemorySegment memory, long seed) {}

    /** Copies the pieces. */
    public Io {
        pieces = List.copyOf(pieces);
    }

    /** {@return a read into pieces of memory} */
    public static Io read(long position, Piece... pieces) {
        return data(IoOp.UBLK_IO_OP_READ, position, List.of(pieces), false);
    }

    /** {@return a write from pieces of memory} */
    public static Io write(long position, Piece... pieces) {
        return data(IoOp.UBLK_IO_OP_WRITE, position, List.of(pieces), false);
    }

    /** {@return a write that is durable when it ends} */
    public static Io durableWrite(long position, Piece... pieces) {
        return data(IoOp.UBLK_IO_OP_WRITE, position, List.of(pieces), true);
    }

    private static Io data(int op, long position, List<Piece> pieces, boolean durable) {
        long length = pieces.stream().mapToLong(Piece::length).sum();
        return new Io(op, position, length, pieces, durable, false, null);
    }

    /** {@return the same with integrity metadata} */
    public Io with(Metadata some) {
        return new Io(op, position, length, pieces, durable, mayUnmap, some);
    }

    /** {@return a flush} */
    public static Io flush() {
        return new Io(IoOp.UBLK_IO_OP_FLUSH, 0, 0, List.of(), false, false, null);
    }

    /** {@return a discard} */
    public static Io discard(long position, long length) {
        return new Io(IoOp.UBLK_IO_OP_DISCARD, position, length, List.of(), false, false, null);
    }

    /** {@return a write of zeroes} */
    public static Io writeZeroes(long position, long length, boolean mayUnmap) {
        return new Io(
                IoOp.UBLK_IO_OP_WRITE_ZEROES, position, length, List.of(), false, mayUnmap, null);
    }
}
