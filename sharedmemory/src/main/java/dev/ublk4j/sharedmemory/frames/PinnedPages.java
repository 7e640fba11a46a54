package dev.ublk4j.sharedmemory.frames;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the kernel counts of pinned pages, those of the whole machine together. */
public final class PinnedPages {
    private static final Path VMSTAT = Path.of("/proc/vmstat");
    private static final Path REFRESH = Path.of("/proc/sys/vm/stat_refresh");

    private PinnedPages() {}

    /**
     * {@return how many are pinned now, by anyone: those acquired so far without those released}
     *
     * @throws IOException when it cannot be read, as by others than root
     */
    public static long held() throws IOException {
        // Each processor counts for itself; reading this file adds the counters up. A kernel for
        // one
        // processor has one counter, and no such file.
        if (Files.exists(REFRESH)) {
            var _ = Files.readAllBytes(REFRESH);
        }
        List<String> lines = Files.readAllLines(VMSTAT);
        return counter(lines, "nr_foll_pin_acquired") - counter(lines, "nr_foll_pin_released");
    }

    private static long counter(List<String> lines, String name) throws IOException {
        for (String line : lines) {
            if (line.startsWith(name + " ")) {
                return Long.parseLong(line.substring(name.length() + 1));
            }
        }
        throw new IOException(VMSTAT + " has no " + name);
    }
}
