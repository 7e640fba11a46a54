package dev.ublk4j.testkit.client;

import dev.ublk4j.client.BlockAccess;
import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.client.DirectDevice;
import dev.ublk4j.client.Sharing;
import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.SharedBuffer;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A block device whose server is in this process too.
 *
 * @param driver the device's, of either kind
 * @param device live
 * @param socket where memory is handed over, or null to share it without a socket
 */
public record ServedBlockDevice(Driver driver, Device device, @Nullable Path socket)
        implements BlockDevice {
    /** A device that shares memory without a socket. */
    public ServedBlockDevice(Driver driver, Device device) {
        this(driver, device, null);
    }

    @Override
    public BlockAccess open(MemorySegment memory, int depth) {
        return driver instanceof EmbeddedDriver embedded
                ? new EmbeddedAccess(embedded.openBlock(device.id()), memory)
                : DirectDevice.open(KernelDriver.blockPath(device.id()), depth, memory);
    }

    @Override
    public Sharing share(SharedMemory memory) {
        return socket == null ? new Lease(device, memory) : Sharing.over(socket, memory);
    }

    private static final class Lease implements Sharing {
        private final Arena arena = Arena.ofShared();
        private final SharedBuffer buffer;

        Lease(Device device, SharedMemory memory) {
            try {
                // A mapping of its own, as another process would have.
                buffer = device.share(memory.map(arena, false), false);
            } catch (Throwable e) {
                ControlTimeoutException.whenSettled(e, arena::close);
                throw e;
            }
        }

        @Override
        public boolean isActive() {
            return arena.scope().isAlive();
        }

        @Override
        public void close() {
            if (isActive()) {
                try {
                    buffer.close();
                } catch (ControlTimeoutException e) {
                    ControlTimeoutException.whenSettled(e, this::close);
                    throw e;
                }
                arena.close();
            }
        }
    }

    @Override
    public String toString() {
        return device.toString();
    }
}
