package dev.ublk4j.client;

import dev.ublk4j.handover.Exchange;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.sharedmemory.SharedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A block device of this machine, or a file on one.
 *
 * @param socket where its server listens, or null for the usual place
 */
record LocalBlockDevice(Path path, @Nullable Path socket) implements BlockDevice {
    /** A ublk device, or a partition of one. */
    private static final Pattern UBLK = Pattern.compile("ublkb(\\d{1,7})(p\\d+)?");

    /** A link for each block device that there is, named by its number. */
    private static final Path BY_NUMBER = Path.of("/sys/dev/block");

    @Override
    public BlockAccess open(MemorySegment memory, int depth) {
        return DirectDevice.open(path, depth, memory);
    }

    @Override
    public Sharing share(SharedMemory memory) {
        return Sharing.over(socket == null ? usualSocket() : socket, memory);
    }

    private Path usualSocket() {
        Matcher name = UBLK.matcher(deviceName());
        if (!name.matches()) {
            throw new LinuxException(
                    "share", path + ", which is not on a ublk device", Errno.EOPNOTSUPP.negated());
        }
        return Exchange.socketPath(Integer.parseInt(name.group(1)));
    }

    private String deviceName() {
        try (Fd fd = Fd.open(path, Fd.O_RDONLY)) {
            FileStatus status = FileStatus.of(fd);
            if (status.isBlockDevice()) {
                return path.toRealPath().getFileName().toString();
            }
            long device = status.device();
            // Not formatted: in some locales digits are others than the kernel's.
            Path link = BY_NUMBER.resolve((device >>> 32) + ":" + (int) device);
            return Files.exists(link) ? link.toRealPath().getFileName().toString() : "";
        } catch (IOException e) {
            throw new UncheckedIOException("cannot find the device of " + path, e);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
