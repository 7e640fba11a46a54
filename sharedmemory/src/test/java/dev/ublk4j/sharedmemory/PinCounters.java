package dev.ublk4j.sharedmemory;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the kernel counts of pinned and locked pages. */
final class PinCounters {
    private static final Path VMSTAT = Path.of("/proc/vmstat");
    private static final Path REFRESH = Path.of("/proc/sys/vm/stat_refresh");

    private PinCounters() {}

    /** Pages pinned so far, by anyone. Skips the test where it is not counted. */
    static long acquired() throws IOException {
        return vmstat("nr_foll_pin_acquired");
    }

    /** Pages pinned now, by anyone. */
    static long held() throws IOException {
        return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
    }

    private static long vmstat(String name) throws IOException {
        assumeTrue(Files.isReadable(REFRESH), "processors' counters can be summed up");
        // Counters of each processor are added up only now and then, or when someone reads this.
        assumeTrue(Files.readAllBytes(REFRESH).length == 0, "counters have been summed up");
        return number(VMSTAT, name + " ");
    }

    /** Bytes of this process that are locked by address. */
    static long locked() throws IOException {
        return number(Path.of("/proc/self/status"), "VmLck:") << 10;
    }

    private static long number(Path file, String name) throws IOException {
        List<String> lines =
                Files.readAllLines(file).stream().filter(line -> line.startsWith(name)).toList();
        assumeTrue(lines.size() == 1, file + " has " + name);
        return Long.parseLong(lines.getFirst().replaceAll("\\D", ""));
    }

    /** Waits for others who pin to let go, within reason: pages held come down to a number. */
    static boolean fallsTo(long pages) throws IOException, InterruptedException {
        for (int attempt = 0; attempt < 200; attempt++) {
            if (held() <= pages) {
                return true;
            }
            Thread.sleep(50);
        }
        return false;
    }
}
