package dev.ublk4j.sharing.store;

import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A part of a file of memory, mapped; owns the file's descriptor. */
public final class MappedMemory implements AutoCloseable {
    private final SharedMemory memory;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;

    /**
     * Maps it.
     *
     * @param memory belongs to this from now on, unless this throws
     * @param offset bytes, a multiple of the page size
     * @param length bytes
     * @throws dev.ublk4j.linux.LinuxException when the kernel refuses
     */
    public MappedMemory(SharedMemory memory, long offset, long length, boolean readOnly) {
        this.memory = memory;
        try {
            this.segment = memory.map(arena, offset, length, readOnly);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** {@return the file} */
    public SharedMemory memory() {
        return memory;
    }

    /** {@return the mapping} */
    public MemorySegment segment() {
        return segment;
    }

    /** Unmaps it, and leaves the file to the caller again. */
    public void unmap() {
        arena.close();
    }

    /** Unmaps it and closes the file. */
    @Override
    public void close() {
        arena.close();
        memory.close();
    }
}
