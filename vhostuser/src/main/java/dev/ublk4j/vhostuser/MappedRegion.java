package dev.ublk4j.vhostuser;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharedmemory.frames.FrameRange;
import dev.ublk4j.sharedmemory.frames.PageFrames;
import dev.ublk4j.vhostuser.ring.GuestRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A region of a client's memory, mapped here and registered with the device until it is closed. */
final class MappedRegion implements AutoCloseable {
    /** A buffer that is shared with a device has 4 GiB at most. */
    private static final long PIECE = 4L << 30;

    /** A registered buffer of an io_uring has 1 GiB at most. */
    private static final long PINNED_PIECE = 1L << 30;

    private final Region region;
    private final Arena arena = Arena.ofShared();
    private final List<SharedBuffer> pieces = new ArrayList<>();
    private final GuestRegion guest;

    /**
     * Maps and registers a region.
     *
     * @param file has all of it; stays the caller's
     * @param frames numbers page frames as the device's driver does
     * @param pinned whether a target's fixed I/O may pin it, as the device was started
     */
    MappedRegion(
            Region region, SharedMemory file, Device device, PageFrames frames, boolean pinned) {
        this.region = region;
        try {
            long whole = Pages.ceiling(region.bytes());
            MemorySegment memory = file.map(arena, region.offset(), whole, false);
            long frame = firstFrame(region, memory, frames);
            MemorySegment clients = memory.asSlice(0, region.bytes());
            guest = new GuestRegion(region.guest(), region.user(), clients, frame);
            long most = pinned ? PINNED_PIECE : PIECE;
            for (long at = 0; at < memory.byteSize(); at += most) {
                MemorySegment piece = memory.asSlice(at, Math.min(most, memory.byteSize() - at));
                pieces.add(device.share(piece, false));
            }
        } catch (Throwable e) {
            ControlTimeoutException.whenSettled(e, this::close);
            throw e;
        }
    }

    private static long firstFrame(Region region, MemorySegment memory, PageFrames frames) {
        List<FrameRange> ranges = frames.ranges(memory.address(), memory.byteSize());
        if (ranges.size() != 1) {
            throw new ProtocolException(
                    "region of %s lies across a multiple of 1 TiB in its file".formatted(region));
        }
        return ranges.getFirst().firstFrame();
    }

    /** {@return what the client said of it} */
    Region region() {
        return region;
    }

    /** {@return where it is here} */
    GuestRegion guest() {
        return guest;
    }

    /**
     * Takes it back from the device, which waits for requests that use it, and unmaps it. What
     * takes longer than anybody should wait is done later, when this has thrown.
     */
    @Override
    public void close() {
        try {
            pieces.forEach(SharedBuffer::close);
        } catch (ControlTimeoutException e) {
            ControlTimeoutException.whenSettled(e, this::close);
            throw e;
        }
        arena.close();
    }
}
