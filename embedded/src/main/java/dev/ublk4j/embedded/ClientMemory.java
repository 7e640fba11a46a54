package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.Bio;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.sharedmemory.frames.PageFrames;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Memory of a client whose page frames are known, so that requests with data in it can be matched
 * with the buffers a server has registered.
 *
 * <p>The frames are looked up once. They are numbers of what is mapped ({@link PageFrames}), so
 * they stay right whatever the kernel does with the pages; what is mapped at these addresses must
 * stay. Any thread.
 */
public final class ClientMemory implements AutoCloseable {
    private final MemorySegment memory;

    /** One for each page that the memory touches. */
    private final long[] frames;

    private volatile boolean closed;

    /**
     * Gives memory its pages and looks its frames up.
     *
     * @param memory native memory that stays open until this is closed
     * @throws LinuxException {@code EFAULT} when it cannot be written
     */
    public ClientMemory(MemorySegment memory) {
        this.memory = memory;
        long address = memory.address();
        long bytes = memory.byteSize();
        frames = new long[Math.toIntExact(Pages.count(address, bytes))];
        LinuxException.check(
                "madvise(MADV_POPULATE_WRITE)",
                memory.toString(),
                bytes == 0 ? 0 : Pages.populate(address, bytes, true));
        try (PageFrames source = PageFrames.synthetic()) {
            int answer = source.read(address, frames.length, true, frames);
            LinuxException.check("page frames", memory.toString(), answer);
        }
    }

    /** {@return the memory} */
    public MemorySegment memory() {
        return memory;
    }

    /**
     * Adds a piece of the memory to an operation: one segment for each run of consecutive frames.
     */
    void addTo(Bio bio, long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, memory.byteSize());
        if (closed || !memory.scope().isAlive()) {
            // Something else may be mapped there by now.
            throw new IllegalStateException("closed: " + memory);
        }
        long address = memory.address() + offset;
        long end = address + bytes;
        long firstPage = memory.address() >>> Pages.SHIFT;
        while (address < end) {
            int page = (int) ((address >>> Pages.SHIFT) - firstPage);
            int offsetInFrame = (int) (address & (Pages.SIZE - 1));
            long length = (long) Pages.SIZE - offsetInFrame;
            for (int next = page + 1;
                    address + length < end
                            && length <= Integer.MAX_VALUE - Pages.SIZE
                            && frames[next] == frames[next - 1] + 1;
                    next++) {
                length += Pages.SIZE;
            }
            length = Math.min(length, end - address);
            bio.add(address, frames[page], offsetInFrame, (int) length);
            address += length;
        }
    }

    /** Ends the use of the memory; a second call does nothing. No request may be under way. */
    @Override
    public void close() {
        closed = true;
    }
}
