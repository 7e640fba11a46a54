package dev.ublk4j.embedded;

import dev.ublk4j.embedded.block.Segments;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.PageFrames;
import dev.ublk4j.sharedmemory.PagePins;
import dev.ublk4j.sharedmemory.Pages;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Memory of a client whose page frames are known, so that requests with data in it can be matched
 * with the buffers a server has registered.
 *
 * <p>The memory is pinned and its frames are looked up once. Any thread.
 */
public final class ClientMemory implements AutoCloseable {
    private final MemorySegment memory;
    private final PagePins pins = PagePins.open();

    /** One for each page that the memory touches. */
    private final long[] frames;

    /**
     * Pins memory and looks its frames up.
     *
     * @param memory native memory that stays open until this is closed
     * @throws LinuxException {@code EFAULT} when it cannot be written, {@code ENOMEM} when the
     *     process may not pin so much
     */
    public ClientMemory(MemorySegment memory) {
        this.memory = memory;
        frames = new long[Math.toIntExact(Pages.count(memory.address(), memory.byteSize()))];
        try (PageFrames source = PageFrames.open()) {
            var _ = pins.pin(memory.address(), memory.byteSize(), true);
            int answer = source.read(memory.address(), frames.length, frames);
            LinuxException.check("page frames", memory.toString(), answer);
        } catch (LinuxException e) {
            pins.close();
            throw e;
        }
    }

    /** {@return the memory} */
    public MemorySegment memory() {
        return memory;
    }

    /** Adds a piece of the memory to a request: one segment for each run of consecutive frames. */
    void addTo(DiskRequest request, long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, memory.byteSize());
        long address = memory.address() + offset;
        long end = address + bytes;
        long firstPage = memory.address() >>> Segments.FRAME_SHIFT;
        while (address < end) {
            int page = (int) ((address >>> Segments.FRAME_SHIFT) - firstPage);
            int offsetInFrame = (int) (address & (Segments.FRAME_BYTES - 1));
            long length = (long) Segments.FRAME_BYTES - offsetInFrame;
            for (int next = page + 1;
                    address + length < end
                            && length <= Integer.MAX_VALUE - Segments.FRAME_BYTES
                            && frames[next] == frames[next - 1] + 1;
                    next++) {
                length += Segments.FRAME_BYTES;
            }
            length = Math.min(length, end - address);
            request.add(address, frames[page], offsetInFrame, (int) length);
            address += length;
        }
    }

    /** Lets go of the pages; a second call does nothing. No request may be under way. */
    @Override
    public void close() {
        pins.close();
    }
}
