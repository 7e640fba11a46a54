package dev.ublk4j.cli.doctor;

import dev.ublk4j.cli.serve.ProcessUser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The memory that zero copy needs: locked, and best in huge pages. */
final class MemoryCheck {
    private static final Pattern LOCKED =
            Pattern.compile("^Max locked memory\\s+(\\S+)", Pattern.MULTILINE);

    private static final Pattern HUGE_FREE =
            Pattern.compile("^HugePages_Free:\\s+(\\d+)", Pattern.MULTILINE);

    /** Less than this holds no buffer worth registering. */
    private static final long ENOUGH_LOCKED = 64L << 20;

    private MemoryCheck() {}

    static Finding locked(Path root) {
        String limit = find(LOCKED, root.resolve("proc/self/limits"), "unlimited");
        if (limit.equals("unlimited")) {
            return Finding.ok("memlock", "unlimited");
        }
        long bytes = Long.parseLong(limit);
        String text = "%d KiB can be locked".formatted(bytes >> 10);
        if (ProcessUser.isRoot()) {
            return Finding.ok("memlock", text + ", which does not apply to root");
        }
        return bytes >= ENOUGH_LOCKED
                ? Finding.ok("memlock", text)
                : Finding.warn(
                        "memlock",
                        text
                                + "; shared memory beyond that is not registered with io_uring, which is slower",
                        "ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit");
    }

    static Finding hugePages(Path root) {
        int free = Integer.parseInt(find(HUGE_FREE, root.resolve("proc/meminfo"), "0"));
        return free > 0
                ? Finding.ok("huge pages", free + " free")
                : Finding.warn(
                        "huge pages",
                        "none reserved; shared memory uses small pages",
                        "sysctl vm.nr_hugepages=128");
    }

    private static String find(Pattern pattern, Path file, String otherwise) {
        try {
            Matcher matcher = pattern.matcher(Files.readString(file));
            return matcher.find() ? matcher.group(1) : otherwise;
        } catch (IOException e) {
            return otherwise;
        }
    }
}
