package dev.ublk4j.sharing;

import dev.ublk4j.handover.HandoverException;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FileStatus;
import dev.ublk4j.sharedmemory.Seal;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.uapi.wire.ShmemBufRegLayout;

/**
 * Decides whether memory may be mapped and shared.
 *
 * <p>Touching a page that another process has taken away raises SIGBUS. So nothing is mapped that
 * somebody could make smaller: its size is read after it is sealed, not before.
 */
final class MemoryCheck {
    /** {@code S_IWOTH}. */
    private static final int WRITABLE_BY_OTHERS = 0x2;

    private static final String WRITABLE = "anybody may write to it, and so truncate it";

    private MemoryCheck() {}

    /**
     * A part of a file.
     *
     * @param offset its first byte
     * @param length bytes
     */
    record Range(long offset, long length) {}

    /** What keeps a file from being made smaller. */
    enum Promise {
        /** A seal, which is set where it is missing. */
        SEAL,
        /** A seal, or else the word of whoever hands it over. */
        WORD,
        /**
         * Nothing. No seal is set: the process that has it knows nothing of this, and may make it
         * smaller as it always could.
         */
        NONE
    }

    /**
     * {@return the part of a file that is to be mapped}
     *
     * @param length 0 for all up to the end
     * @param promise what must keep it from being made smaller
     * @throws LinuxException {@code EINVAL} for what is no memory or no whole pages of it, {@code
     *     EFBIG} for more than a driver takes at once, {@code EPERM} for memory that somebody can
     *     make smaller
     */
    static Range check(SharedMemory memory, long offset, long length, Promise promise) {
        // The file system of device nodes says that it is tmpfs.
        boolean isMemory =
                memory.kind() != SharedMemory.Kind.OTHER && FileStatus.of(memory.fd()).isRegular();
        if (!isMemory) {
            throw refused(
                    Errno.EINVAL, "not memory: it must be a memfd or a file on hugetlbfs or tmpfs");
        }
        if (promise != Promise.NONE) {
            seal(memory, promise == Promise.WORD);
        } else if (isWritableByAnybody(memory)) {
            throw refused(Errno.EPERM, WRITABLE);
        }
        long size = memory.size();
        long page = memory.pageSize();
        if (offset < 0 || offset % page != 0 || length < 0 || length % page != 0) {
            throw refused(
                    Errno.EINVAL,
                    "%d bytes at %d are not whole pages of %d bytes"
                            .formatted(length, offset, page));
        }
        if (offset >= size || length > size - offset) {
            throw refused(
                    Errno.EINVAL,
                    "%d bytes at %d are not within its %d bytes".formatted(length, offset, size));
        }
        long taken = length == 0 ? size - offset : length;
        if (taken % page != 0) {
            throw refused(
                    Errno.EINVAL,
                    "its %d bytes are not whole pages of %d bytes".formatted(size, page));
        }
        if (taken > ShmemBufRegLayout.MAX_LENGTH) {
            throw refused(
                    Errno.EFBIG,
                    "%d bytes are more than one buffer may have, %d; register it in parts"
                            .formatted(taken, ShmemBufRegLayout.MAX_LENGTH));
        }
        return new Range(offset, taken);
    }

    private static void seal(SharedMemory memory, boolean trusted) {
        if (memory.seals().contains(Seal.SHRINK)) {
            return;
        }
        try {
            memory.seal(Seal.SHRINK);
        } catch (LinuxException e) {
            if (!trusted || isWritableByAnybody(memory)) {
                HandoverException refused =
                        refused(
                                Errno.EPERM,
                                trusted
                                        ? WRITABLE
                                        : "not sealed against shrinking (F_SEAL_SHRINK), and cannot"
                                                + " be");
                refused.addSuppressed(e);
                throw refused;
            }
        }
    }

    private static boolean isWritableByAnybody(SharedMemory memory) {
        // A memfd has no name, so its permissions mean nothing.
        return memory.kind() != SharedMemory.Kind.MEMFD
                && (FileStatus.of(memory.fd()).mode() & WRITABLE_BY_OTHERS) != 0;
    }

    private static HandoverException refused(Errno errno, String text) {
        return new HandoverException("REGISTER", "memory", errno.negated(), text);
    }
}
