package dev.ublk4j.conformance.rules;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A memfd that a server and an application have both mapped. */
public final class Shared implements AutoCloseable {
    private static final int PAGE = 4096;

    private final Arena arena = Arena.ofShared();
    private final SharedMemory file;
    private final MemorySegment server;
    private final ClientArea client;

    /** Creates shared memory; its pages are in frames as they come. */
    public Shared(Lane lane, long bytes) {
        this(lane, bytes, 1);
    }

    /**
     * Creates shared memory whose pages get their frames in another order than that of their
     * addresses.
     */
    public static Shared scattered(Lane lane, long bytes) {
        return new Shared(lane, bytes, 7);
    }

    private Shared(Lane lane, long bytes, int stride) {
        file = SharedMemory.create("conformance", bytes);
        server = file.map(arena, false);
        long pages = bytes / PAGE;
        for (long start = 0; start < stride; start++) {
            for (long page = start; page < pages; page += stride) {
                server.set(ValueLayout.JAVA_BYTE, page * PAGE, (byte) 1);
            }
        }
        client = lane.area(file.map(arena, false));
    }

    /** {@return the server's mapping} */
    public MemorySegment server() {
        return server;
    }

    /** {@return the application's mapping} */
    public ClientArea client() {
        return client;
    }

    /** {@return the file} */
    public SharedMemory file() {
        return file;
    }

    /** {@return what unmaps the mappings when this is closed} */
    public Arena arena() {
        return arena;
    }

    @Override
    public void close() {
        client.close();
        file.close();
        arena.close();
    }
}
