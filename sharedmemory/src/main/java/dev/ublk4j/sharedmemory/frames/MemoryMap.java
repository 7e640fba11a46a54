package dev.ublk4j.sharedmemory.frames;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.FileIdentity;
import dev.ublk4j.sharedmemory.process.MappedArea;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The mappings of the own process, found by address ({@code /proc/self/maps}).
 *
 * <p>Asks with {@code PROCMAP_QUERY}, about a microsecond, and reads the text where the kernel is
 * older than 6.11.
 *
 * <pre>{@code
 * struct procmap_query {            // 104 bytes
 *     __u64 size, query_flags, query_addr;
 *     __u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset;
 *     __u64 inode;
 *     __u32 dev_major, dev_minor;
 *     __u32 vma_name_size, build_id_size;
 *     __u64 vma_name_addr, build_id_addr;
 * };
 * }</pre>
 */
final class MemoryMap implements AutoCloseable {
    private static final Path MAPS = Path.of("/proc/self/maps");

    /** {@code _IOWR('f', 17, struct procmap_query)}. */
    private static final long PROCMAP_QUERY = 0xc068_6611L;

    private static final int QUERY_BYTES = 104;
    private static final int QUERY_ADDR = 16;
    private static final int VMA_START = 24;
    private static final int VMA_END = 32;
    private static final int VMA_FLAGS = 40;
    private static final int VMA_OFFSET = 56;
    private static final int INODE = 64;
    private static final int DEV_MAJOR = 72;
    private static final int DEV_MINOR = 76;
    private static final int NAME_SIZE = 80;
    private static final int NAME_ADDR = 88;
    private static final int FLAG_READABLE = 0x1;
    private static final int FLAG_WRITABLE = 0x2;
    private static final int FLAG_SHARED = 0x8;

    /** Bytes of a name that are asked for: a path and what the kernel adds to it. */
    private static final int LONGEST_NAME = 4096 + 64;

    private final Fd maps = Fd.open(MAPS, Fd.O_RDONLY);

    /** {@return the mapping at an address, null where there is none} */
    @Nullable MappedArea find(long address) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment query = arena.allocate(QUERY_BYTES, Long.BYTES);
            query.set(JAVA_LONG, 0, QUERY_BYTES);
            query.set(JAVA_LONG, QUERY_ADDR, address);
            MemorySegment name = arena.allocate(LONGEST_NAME);
            query.set(JAVA_INT, NAME_SIZE, LONGEST_NAME);
            query.set(JAVA_LONG, NAME_ADDR, name.address());
            long answer = maps.ioctl(PROCMAP_QUERY, query);
            if (answer == Errno.ENOENT.negated()) {
                return null;
            }
            if (answer == Errno.ENOTTY.negated() || answer == Errno.ENAMETOOLONG.negated()) {
                return findInText(address);
            }
            LinuxException.check("PROCMAP_QUERY", maps.name(), answer);
            long flags = query.get(JAVA_LONG, VMA_FLAGS);
            return new MappedArea(
                    query.get(JAVA_LONG, VMA_START),
                    query.get(JAVA_LONG, VMA_END),
                    (flags & FLAG_READABLE) != 0,
                    (flags & FLAG_WRITABLE) != 0,
                    (flags & FLAG_SHARED) != 0,
                    query.get(JAVA_LONG, VMA_OFFSET),
                    new FileIdentity(
                            query.get(JAVA_INT, DEV_MAJOR),
                            query.get(JAVA_INT, DEV_MINOR),
                            query.get(JAVA_LONG, INODE)),
                    text(name, query.get(JAVA_INT, NAME_SIZE)));
        }
    }

    /** {@return a name; the size that the kernel gives counts its end, and is 0 without a name} */
    private static String text(MemorySegment name, int size) {
        return size == 0 ? "" : new String(name.asSlice(0, size - 1L).toArray(JAVA_BYTE), UTF_8);
    }

    /** As {@link #find}, by reading the text. */
    static @Nullable MappedArea findInText(long address) {
        try (BufferedReader lines = Files.newBufferedReader(MAPS, ISO_8859_1)) {
            String line;
            while ((line = lines.readLine()) != null) {
                MappedArea area = parse(line);
                if (Long.compareUnsigned(address, area.end()) < 0) {
                    return Long.compareUnsigned(address, area.start()) >= 0 ? area : null;
                }
            }
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MappedArea parse(String line) {
        MappedArea area = MappedArea.parseOrNull(line);
        if (area == null) {
            throw new IllegalStateException(MAPS + ": " + line);
        }
        return area;
    }

    @Override
    public void close() {
        maps.close();
    }
}
