package dev.ublk4j.sharedmemory.frames;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A few huge pages in the machine's pool for the length of a test. */
public final class HugePages implements AutoCloseable {
    public static final long SIZE = 2 << 20;

    private static final Path POOL = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB");
    private static final Path TOTAL = POOL.resolve("nr_hugepages");

    private final long before;

    private HugePages(long before) {
        this.before = before;
    }

    /** Skips the test where the pool cannot be had. */
    public static HugePages reserve(int pages) throws IOException {
        assumeTrue(Files.isReadable(TOTAL), "the machine has huge pages of 2 MiB");
        long before = number(TOTAL);
        HugePages pool = new HugePages(before);
        if (free() < pages) {
            assumeTrue(Files.isWritable(TOTAL), "the pool of huge pages may be set");
            Files.writeString(TOTAL, Long.toString(before + pages));
        }
        if (free() < pages) {
            pool.close();
            abort("the pool of huge pages cannot be filled");
        }
        return pool;
    }

    private static long free() throws IOException {
        return number(POOL.resolve("free_hugepages"));
    }

    private static long number(Path file) throws IOException {
        return Long.parseLong(Files.readString(file).strip());
    }

    @Override
    public void close() throws IOException {
        if (number(TOTAL) != before) {
            Files.writeString(TOTAL, Long.toString(before));
        }
    }
}
