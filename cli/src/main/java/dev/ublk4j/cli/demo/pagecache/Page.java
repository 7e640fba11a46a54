package dev.ublk4j.cli.demo.pagecache;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.CRC32C;

/**
 * What a page looks like: a checksum of the rest of it, its number, how often it has been changed,
 * and content that follows from these two.
 */
final class Page {
    private static final int CHECKSUM = 0;
    private static final int NUMBER = 8;
    private static final int VERSION = 16;
    private static final int CONTENT = 24;

    private Page() {}

    /** Makes a page anew. */
    static void format(MemorySegment page, long number) {
        page.set(ValueLayout.JAVA_LONG, NUMBER, number);
        change(page, 0);
    }

    /** Changes a page, all of it. */
    static void change(MemorySegment page, long version) {
        page.set(ValueLayout.JAVA_LONG, VERSION, version);
        byte content = content(page);
        page.asSlice(CONTENT).fill(content);
    }

    private static byte content(MemorySegment page) {
        return (byte) (31 * number(page) + version(page));
    }

    static long number(MemorySegment page) {
        return page.get(ValueLayout.JAVA_LONG, NUMBER);
    }

    static long version(MemorySegment page) {
        return page.get(ValueLayout.JAVA_LONG, VERSION);
    }

    /** Enters the checksum, as the last thing before a page is written. */
    static void seal(MemorySegment page) {
        page.set(ValueLayout.JAVA_LONG, CHECKSUM, checksum(page));
    }

    /**
     * Checks a page that was read.
     *
     * @throws CorruptPageException when it is not the one asked for, or has been damaged
     */
    static void verify(MemorySegment page, long expected) {
        if (number(page) != expected) {
            throw new CorruptPageException(expected, "its header says page " + number(page));
        }
        if (page.get(ValueLayout.JAVA_LONG, CHECKSUM) != checksum(page)) {
            throw new CorruptPageException(expected, "its checksum is wrong");
        }
        byte content = content(page);
        if (page.get(ValueLayout.JAVA_BYTE, CONTENT) != content
                || page.get(ValueLayout.JAVA_BYTE, page.byteSize() - 1) != content) {
            throw new CorruptPageException(expected, "its content belongs to another version");
        }
    }

    private static long checksum(MemorySegment page) {
        CRC32C sum = new CRC32C();
        sum.update(page.asSlice(NUMBER).asByteBuffer());
        return sum.getValue();
    }
}
