package dev.ublk4j.linux.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** How many more file descriptors this process may have ({@code RLIMIT_NOFILE}). */
public final class FreeDescriptors {
    /** Its size is the number of open descriptors since Linux 6.2; before, it is 0. */
    private static final Path OPEN = Path.of("/proc/self/fd");

    private FreeDescriptors() {}

    /**
     * {@return whether so many are free} Whoever looks by opening some takes them from others that
     * need one meanwhile; this takes none, or one before Linux 6.2.
     */
    public static boolean areAtLeast(int count) {
        long limit = ResourceLimit.RLIMIT_NOFILE.soft();
        return limit == ResourceLimit.UNLIMITED || limit - open() >= count;
    }

    private static long open() {
        try {
            long size = Files.size(OPEN);
            return size > 0 ? size : listed();
        } catch (IOException _) {
            // Without /proc nobody can say, and who needs a descriptor learns it from the kernel.
            return 0;
        }
    }

    private static long listed() {
        try (Stream<Path> all = Files.list(OPEN)) {
            return all.count() - 1;
        } catch (IOException _) {
            return Long.MAX_VALUE / 2; // not even one is free
        }
    }
}
