package dev.ublk4j.targets;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Who else has a file or block device for his own.
 *
 * <p>For block devices the kernel knows: {@code O_EXCL} is refused while the device, the whole that
 * it is a partition of, or a partition of it is mounted, swapped to, part of a RAID or logical
 * volume, or open in the same way; and it keeps all those away in turn. A file that a loop device
 * is made of is claimed by nobody, so that is looked up.
 */
final class Claims {
    private static final Path BLOCK_DEVICES = Path.of("/sys/block");

    private Claims() {}

    /** {@return the flags by which a path is claimed as it is opened} */
    static int flags(Path path) {
        // On other files O_EXCL alone has no meaning that would be laid down.
        return isBlockDevice(path) ? Fd.O_EXCL : 0;
    }

    private static boolean isBlockDevice(Path path) {
        try {
            return ((int) Files.getAttribute(path, "unix:mode") & 0xf000) == 0x6000;
        } catch (IOException | UnsupportedOperationException e) {
            // What opens it tells why.
            return false;
        }
    }

    /**
     * Refuses a file that a loop device is made of.
     *
     * @throws LinuxException {@code EBUSY} then, naming the loop device
     */
    static void requireNoLoopDevice(Path path) {
        try (DirectoryStream<Path> loops = Files.newDirectoryStream(BLOCK_DEVICES, "loop*")) {
            for (Path loop : loops) {
                if (isBehind(loop, path)) {
                    throw new LinuxException(
                            "open",
                            "%s, which is behind /dev/%s".formatted(path, loop.getFileName()),
                            Errno.EBUSY.negated());
                }
            }
        } catch (IOException e) {
            // No /sys, and so none to look through.
            return;
        }
    }

    private static boolean isBehind(Path loop, Path path) {
        try {
            String file = Files.readString(loop.resolve("loop/backing_file")).strip();
            return Files.isSameFile(Path.of(file), path);
        } catch (IOException e) {
            // Made of nothing, or of what has no name any more.
            return false;
        }
    }
}
