package dev.ublk4j.conformance.lane;

import java.lang.foreign.MemorySegment;

/** Memory of an application. */
public interface ClientArea extends AutoCloseable {
    /** {@return the whole of it} */
    MemorySegment memory();

    /** {@return a piece of it, to put into a request} */
    default Piece piece(long offset, long length) {
        return new Piece(this, offset, length);
    }

    /** {@return all of it as one piece} */
    default Piece all() {
        return piece(0, memory().byteSize());
    }

    @Override
    void close();

    /**
     * Where part of a request's data is.
     *
     * @param offset bytes from the start of the area
     * @param length bytes
     */
    record Piece(ClientArea area, long offset, long length) {
        /** {@return the memory} */
        public MemorySegment memory() {
            return area.memory().asSlice(offset, length);
        }
    }
}
