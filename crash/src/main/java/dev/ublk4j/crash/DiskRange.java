package dev.ublk4j.crash;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Operation;

/** What a request may name: the same on a disk that is recorded and on one that is left. */
final class DiskRange {
    private static final int SECTOR = DiskModel.SECTOR;

    private DiskRange() {}

    /**
     * {@return whether there is anything to do}
     *
     * @throws LinuxException {@code EINVAL} for parts of sectors and for reads beyond the end,
     *     {@code ENOSPC} for everything else beyond the end
     */
    static boolean isSome(Operation what, long position, long length, long size) {
        if (position < 0 || length < 0 || position % SECTOR != 0 || length % SECTOR != 0) {
            throw refused(what, position, length, size, Errno.EINVAL);
        }
        if (position > size - length) {
            throw refused(
                    what,
                    position,
                    length,
                    size,
                    what == Operation.READ ? Errno.EINVAL : Errno.ENOSPC);
        }
        return length > 0;
    }

    private static LinuxException refused(
            Operation what, long position, long length, long size, Errno errno) {
        return new LinuxException(
                "%s(%d bytes at %d)".formatted(what, length, position),
                "a disk of %d bytes, blocks of %d".formatted(size, SECTOR),
                errno.negated());
    }
}
