package dev.ublk4j.kernel;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.wire.IoCommandLayout;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** An open {@code /dev/ublkcN}. */
final class KernelCharDevice implements CharDevice {
    private final int deviceId;
    private final Fd fd;
    private final Path node;

    /** The node's inode, null where that cannot be had. */
    private final @Nullable Object inode;

    /**
     * Takes a char device over.
     *
     * @param node where it was opened
     */
    KernelCharDevice(int deviceId, Fd fd, Path node) {
        this.deviceId = deviceId;
        this.fd = fd;
        this.node = node;
        this.inode = inodeOrNull(Path.of("/proc/self/fd/" + fd.number()));
    }

    private static @Nullable Object inodeOrNull(Path file) {
        try {
            return Files.getAttribute(file, "unix:ino");
        } catch (IOException e) {
            return null;
        }
    }

    @Override
    public int deviceId() {
        return deviceId;
    }

    @Override
    public MemorySegment map(long offset, long length, Arena arena) {
        return Mapping.map(
                fd,
                offset,
                length,
                Mapping.PROT_READ,
                Mapping.MAP_SHARED | Mapping.MAP_POPULATE,
                arena);
    }

    @Override
    public QueueRing openRing(RingOptions options) {
        return new KernelQueueRing(fd, options);
    }

    @Override
    public long pread(MemorySegment buffer, long at, long length, long position) {
        return fd.pread(buffer, at, length, position);
    }

    @Override
    public long pwrite(MemorySegment buffer, long at, long length, long position) {
        return fd.pwrite(buffer, at, length, position);
    }

    @Override
    public void pages(Ring ring, int commandOp, int queueId, int tag, int slot, long userData) {
        long area = ring.uringCommand(fd.number(), commandOp, userData);
        IoCommandLayout.write(ring.sqes(), area, queueId, tag, 0, slot);
    }

    /** The node of a device that is added later has another inode, whatever its number is. */
    @Override
    public boolean isGone() {
        Object now = inodeOrNull(node);
        return now != null && inode != null && !now.equals(inode);
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
