package dev.ublk4j.conformance.rules;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.ublk4j.conformance.lane.ClientArea;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A memfd that a server and an application have both mapped. */
public final class Shared implements AutoCloseable {
    private static final int PAGE = 4096;
    private static final int HUGE_PAGE = 2 << 20;

    private static final String NAME = "conformance";

    private final Arena arena = Arena.ofShared();
    private final SharedMemory file;
    private final MemorySegment server;
    private final ClientArea client;

    /** Creates shared memory; its pages are in frames as they come. */
    public Shared(Lane lane, long bytes) {
        this(lane, SharedMemory.create(NAME, bytes), bytes, 1);
    }

    /**
     * Creates shared memory whose pages get their frames in another order than that of their
     * addresses.
     */
    public static Shared scattered(Lane lane, long bytes) {
        return new Shared(lane, SharedMemory.create(NAME, bytes), bytes, 7);
    }

    /**
     * Creates shared memory whose frames follow each other as its pages do: in a huge page.
     *
     * <p>Skips the test on a kernel that has none.
     *
     * @param bytes not more than a huge page has
     */
    public static Shared consecutive(Lane lane, long bytes) {
        return new Shared(lane, hugePage(), bytes, 1);
    }

    private static SharedMemory hugePage() {
        try {
            return SharedMemory.createHuge(NAME, HUGE_PAGE, HUGE_PAGE);
        } catch (LinuxException e) {
            assumeFalse(e.errno() == Errno.ENOSYS, "the kernel has no huge pages");
            throw e;
        }
    }

    private Shared(Lane lane, SharedMemory file, long bytes, int stride) {
        this.file = file;
        server = map().asSlice(0, bytes);
        long pages = bytes / PAGE;
        for (long start = 0; start < stride; start++) {
            for (long page = start; page < pages; page += stride) {
                server.set(ValueLayout.JAVA_BYTE, page * PAGE, (byte) 1);
            }
        }
        client = lane.area(map().asSlice(0, bytes));
    }

    private MemorySegment map() {
        return file.map(arena, false);
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

    /** {@return the memory as an application of another lane has mapped it; to be closed first} */
    public ClientArea client(Lane other) {
        return other.area(map().asSlice(0, server.byteSize()));
    }

    @Override
    public void close() {
        client.close();
        file.close();
        arena.close();
    }
}
