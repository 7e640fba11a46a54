package dev.ublk4j.nbd;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Memory for the data of requests: where the socket's bytes go to and come from, and where it is
 * shared with the device also what the target works on.
 */
class DataArea implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final PageRuns runs;
    private @Nullable ClientMemory client;
    private @Nullable SharedBuffer buffer;

    DataArea(Function<Arena, MemorySegment> mapping) {
        try {
            memory = mapping.apply(arena);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
        runs = new PageRuns((int) (memory.byteSize() / Pages.SIZE));
    }

    /** {@return memory whose pages come as they are touched; the driver copies its data} */
    static DataArea copied(long bytes) {
        int flags = Mapping.MAP_PRIVATE | Mapping.MAP_NORESERVE;
        return new DataArea(arena -> Mapping.anonymous(bytes, flags, arena));
    }

    /**
     * {@return memory that is shared with a device: its data is not copied}
     *
     * @throws LinuxException when there is not so much memory, or the device has no room for it
     */
    static DataArea shared(Device device, long bytes) {
        try (SharedMemory file = SharedMemory.create("nbd", bytes)) {
            DataArea area = new DataArea(arena -> file.map(arena, false));
            try {
                area.client = new ClientMemory(area.memory);
                area.buffer = device.share(area.memory, false);
                return area;
            } catch (Throwable e) {
                ControlTimeoutException.whenSettled(e, area::close);
                throw e;
            }
        }
    }

    final MemorySegment memory() {
        return memory;
    }

    final PageRuns runs() {
        return runs;
    }

    /** Takes pages back; see {@link PageRuns}. */
    void giveBack(int first, int count) {
        runs.giveBack(first, count);
    }

    /** Adds a piece of the area to a request. */
    final void addTo(DiskRequest request, long offset, long bytes) {
        if (client != null) {
            request.add(client, offset, bytes);
        } else {
            request.add(memory.address() + offset, -1, 0, (int) bytes);
        }
    }

    /**
     * Takes the memory back and lets go of it. Not from a queue's thread.
     *
     * @throws RuntimeException when the device does not give it back; then it stays mapped for good
     */
    @Override
    public final void close() {
        if (buffer != null) {
            try {
                buffer.close();
            } catch (ControlTimeoutException e) {
                ControlTimeoutException.whenSettled(e, this::close);
                throw e;
            }
        }
        if (client != null) {
            client.close();
        }
        arena.close();
    }
}
