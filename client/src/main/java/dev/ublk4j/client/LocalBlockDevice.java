package dev.ublk4j.client;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A block device of this machine. */
record LocalBlockDevice(Path path) implements BlockDevice {
    @Override
    public BlockAccess open(MemorySegment memory, int depth) {
        return DirectDevice.open(path, depth, memory);
    }

    @Override
    public Sharing share(SharedMemory memory) {
        throw new LinuxException("share", path.toString(), Errno.EOPNOTSUPP.negated());
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
