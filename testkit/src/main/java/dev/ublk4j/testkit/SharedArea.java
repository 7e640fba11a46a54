package dev.ublk4j.testkit;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory that a client shares with the device under test: requests with their data in it reach the
 * target without a copy.
 *
 * <p>Client and server each have a mapping of their own, as two processes would.
 */
public final class SharedArea implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final SharedMemory file;
    private final ClientMemory client;
    private SharedBuffer buffer;
    private boolean shared = true;

    SharedArea(Device device, long bytes) {
        file = SharedMemory.create("ublk4j-testkit", bytes);
        try {
            client = new ClientMemory(file.map(arena, false));
        } catch (Throwable e) {
            file.close();
            arena.close();
            throw e;
        }
        try {
            buffer = device.share(file.map(arena, false), false);
        } catch (Throwable e) {
            ControlTimeoutException.whenSettled(e, this::free);
            throw e;
        }
    }

    /** {@return the memory as the client has it mapped} */
    public MemorySegment memory() {
        return client.memory();
    }

    /** {@return the memory as a request takes it, its page frames known} */
    public ClientMemory client() {
        return client;
    }

    /** {@return whether the device has not been told to give the memory back} */
    boolean isShared() {
        return shared;
    }

    /** {@return the memory as the server has it} */
    SharedBuffer buffer() {
        return buffer;
    }

    /** Follows the device to its next server, which has inherited the buffer. */
    void movedTo(Device next) {
        if (shared) {
            buffer = next.sharedBuffer(buffer.index()).orElseThrow();
        }
    }

    /** Takes the memory back from the device; requests with it are copied from now on. */
    public void unshare() {
        buffer.close();
        shared = false;
    }

    /** Takes the memory back and unmaps it; no request may be in flight. */
    @Override
    public void close() {
        if (!arena.scope().isAlive()) {
            return;
        }
        buffer.close();
        free();
    }

    private void free() {
        client.close();
        file.close();
        arena.close();
    }
}
