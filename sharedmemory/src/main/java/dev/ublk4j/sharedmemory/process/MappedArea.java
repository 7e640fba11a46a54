package dev.ublk4j.sharedmemory.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.ublk4j.sharedmemory.FileIdentity;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One mapping of a process, a line of {@code /proc/PID/maps}.
 *
 * @param start first address
 * @param end address after the last
 * @param readable whether it may be read
 * @param writable whether it may be written
 * @param shared whether changes are those of the file
 * @param offset bytes into the file of the first address
 * @param file what is mapped; inode 0 for memory without a file
 * @param name what the kernel calls it; empty where it has no name
 */
public record MappedArea(
        long start,
        long end,
        boolean readable,
        boolean writable,
        boolean shared,
        long offset,
        FileIdentity file,
        String name) {
    private static final Pattern LINE =
            Pattern.compile(
                    "(\\p{XDigit}+)-(\\p{XDigit}+) (.)(.).(.) (\\p{XDigit}+)"
                            + " (\\p{XDigit}+):(\\p{XDigit}+) (\\d+) *(.*)");

    /** {@return bytes} */
    public long length() {
        return end - start;
    }

    /** {@return the addresses as {@code /proc} writes them} */
    public String addresses() {
        return Long.toHexString(start) + "-" + Long.toHexString(end);
    }

    /**
     * {@return the mapping of a line, null for a line that describes none}
     *
     * @param line its bytes as characters of ISO 8859-1
     */
    public static @Nullable MappedArea parseOrNull(String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            return null;
        }
        return new MappedArea(
                Long.parseUnsignedLong(matcher.group(1), 16),
                Long.parseUnsignedLong(matcher.group(2), 16),
                matcher.group(3).equals("r"),
                matcher.group(4).equals("w"),
                matcher.group(5).equals("s"),
                Long.parseUnsignedLong(matcher.group(6), 16),
                new FileIdentity(
                        Integer.parseInt(matcher.group(7), 16),
                        Integer.parseInt(matcher.group(8), 16),
                        Long.parseUnsignedLong(matcher.group(9))),
                new String(matcher.group(10).getBytes(ISO_8859_1), UTF_8));
    }
}
