package dev.ublk4j.linux.internal;

import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;

/** How many more file descriptors this process may have ({@code RLIMIT_NOFILE}). */
public final class FreeDescriptors {
    /** Its size is the number of open descriptors since Linux 6.2; before, it is 0. */
    private static final Path OPEN = Path.of("/proc/self/fd");

    private FreeDescriptors() {}

    /**
     * {@return whether so many are free} Whoever looks by opening some takes them from others that
     * need one meanwhile; this takes none, or one before Linux 6.2. Where nobody can say, it is
     * true: who needs a descriptor learns from the kernel that there is none.
     */
    public static boolean areAtLeast(int count) {
        long limit = limit();
        return limit == ResourceLimit.UNLIMITED || limit - open() >= count;
    }

    private static long limit() {
        try {
            return ResourceLimit.RLIMIT_NOFILE.soft();
        } catch (LinuxException _) {
            return ResourceLimit.UNLIMITED; // forbidden, as by a seccomp filter: not known
        }
    }

    private static long open() {
        try {
            long size = Files.size(OPEN);
            return size > 0 ? size : listed();
        } catch (IOException _) {
            return 0; // without /proc it is not known
        }
    }

    /** {@return the number of those that are open; 0 where it is not known} */
    static long listed() {
        try (Stream<Path> all = Files.list(OPEN)) {
            return all.count() - 1;
        } catch (UncheckedIOException | AccessDeniedException | NoSuchFileException _) {
            return 0; // it could be opened, or it is not for want of a descriptor that it cannot
        } catch (IOException _) {
            return Long.MAX_VALUE / 2; // not even one is free
        }
    }
}
