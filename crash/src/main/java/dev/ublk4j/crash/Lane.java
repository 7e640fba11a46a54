package dev.ublk4j.crash;

import dev.ublk4j.server.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What one queue has recorded: segments of records, one behind the other, written by the queue's
 * thread alone. {@code docs/formats.md} has the layout, which is that of a recording's file.
 *
 * <p>A record is a request that was sent, with its data; how one was answered; or a mark. Its
 * checksum comes first, and covers the rest. The kind of what follows the last record of a segment
 * is zero.
 */
final class Lane {
    /** What a segment has, unless a record needs more. */
    static final long SEGMENT = 4 << 20;

    static final int SEGMENT_MAGIC = 0x676e614c;
    static final long SEGMENT_HEADER = 32;
    static final long SEGMENT_LANE = 4;
    static final long SEGMENT_LENGTH = 8;
    static final long SEGMENT_PLACE = 16;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final long CHECKSUM = 0;
    private static final long KIND = 4;
    private static final long INSTANT = 8;

    /** Of a request where it is on the disk; of an answer which request of the lane. */
    private static final long SUBJECT = 16;

    /** Of a request its length; of an answer the result. */
    private static final long VALUE = 24;

    private static final long OPERATION = 32;
    private static final long DATA_LENGTH = 40;
    private static final long HEADER = 48;

    private static final int REQUEST = 1;
    private static final int ANSWER = 2;
    private static final int MARK = 3;
    private static final int THROUGH = 1 << 8;

    private final int number;
    private final RecordedSpace space;
    private final AtomicLong instants;
    private final List<MemorySegment> segments = new ArrayList<>();
    private final CRC32C checksum = new CRC32C();

    private @Nullable MemorySegment segment;
    private @Nullable ByteBuffer bytes;
    private long used;
    private int count;

    Lane(int number, RecordedSpace space, AtomicLong instants) {
        this.number = number;
        this.space = space;
        this.instants = instants;
    }

    /** {@return a lane of a recording, to be read} */
    static Lane of(int number, List<MemorySegment> segments) {
        Lane lane = new Lane(number, RecordedSpace.inMemory(), new AtomicLong());
        lane.segments.addAll(segments);
        return lane;
    }

    int number() {
        return number;
    }

    int count() {
        return count;
    }

    /**
     * Makes room for a record and its data.
     *
     * @return where the data is to be put in {@link #segment}
     * @throws dev.ublk4j.linux.LinuxException when there is no room
     */
    long reserve(long length) {
        long needed = HEADER + aligned(length);
        MemorySegment current = segment;
        if (current == null || used + needed > current.byteSize()) {
            current = space.segment(SEGMENT_HEADER + needed);
            current.set(INT, SEGMENT_LANE, number);
            current.set(LONG, SEGMENT_LENGTH, current.byteSize());
            current.set(LONG, SEGMENT_PLACE, segments.size());
            current.set(INT, 0, SEGMENT_MAGIC);
            segments.add(current);
            segment = current;
            bytes = space.isChecked() ? current.asByteBuffer() : null;
            used = SEGMENT_HEADER;
            endHere(current);
        }
        return used + HEADER;
    }

    /** {@return the memory that was {@linkplain #reserve reserved} from last} */
    MemorySegment segment() {
        return segments.getLast();
    }

    /**
     * Writes down a request that is about to be sent, with the data that has been put where {@link
     * #reserve} said.
     *
     * @return what names it
     */
    int begin(Operation operation, boolean through, long offset, long length, long data) {
        MemorySegment into = segment();
        into.set(LONG, used + SUBJECT, offset);
        into.set(LONG, used + VALUE, length);
        into.set(INT, used + OPERATION, code(operation) | (through ? THROUGH : 0));
        end(REQUEST, data);
        return count++;
    }

    /** Notes how a request was answered. */
    void answered(int entry, int result) {
        long _ = reserve(0);
        MemorySegment into = segment();
        into.set(LONG, used + SUBJECT, entry);
        into.set(LONG, used + VALUE, result);
        end(ANSWER, 0);
    }

    /** Leaves a mark, and returns its instant. */
    long mark(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        long at = reserve(utf8.length);
        MemorySegment.copy(utf8, 0, segment(), ValueLayout.JAVA_BYTE, at, utf8.length);
        return end(MARK, utf8.length);
    }

    private long end(int kind, long data) {
        MemorySegment into = segment();
        long instant = instants.incrementAndGet();
        into.set(INT, used + KIND, kind);
        into.set(LONG, used + INSTANT, instant);
        into.set(LONG, used + DATA_LENGTH, data);
        ByteBuffer checked = bytes;
        if (checked != null) {
            into.set(INT, used + CHECKSUM, sum(checked, used, data));
        }
        used += HEADER + aligned(data);
        endHere(into);
        return instant;
    }

    /** Has whoever reads find no record behind the last one. A file is zero there. */
    private void endHere(MemorySegment into) {
        if (bytes == null && used + HEADER <= into.byteSize()) {
            into.set(INT, used + KIND, 0);
        }
    }

    private int sum(ByteBuffer of, long at, long data) {
        checksum.reset();
        of.limit((int) (at + HEADER + data)).position((int) (at + KIND));
        checksum.update(of);
        return (int) checksum.getValue();
    }

    private static long aligned(long length) {
        return (length + Long.BYTES - 1) & -Long.BYTES;
    }

    /** What the records of a lane say. */
    static final class Content {
        final List<Change> changes = new ArrayList<>();
        final List<Mark> marks = new ArrayList<>();
        long lastInstant;

        /** Whether there is something behind the last whole record. */
        boolean isTorn;
    }

    /** {@return what has been written} */
    Content read(boolean isChecked) {
        Content content = new Content();
        for (MemorySegment each : segments) {
            ByteBuffer checked = isChecked ? each.asByteBuffer() : null;
            long at = SEGMENT_HEADER;
            while (at + HEADER <= each.byteSize() && each.get(INT, at + KIND) != 0) {
                long data = each.get(LONG, at + DATA_LENGTH);
                if (data < 0
                        || data > each.byteSize() - at - HEADER
                        || (checked != null
                                && sum(checked, at, data) != each.get(INT, at + CHECKSUM))
                        || !read(content, each, at, data)) {
                    content.isTorn = true;
                    return content;
                }
                at += HEADER + aligned(data);
            }
        }
        return content;
    }

    private static boolean read(Content content, MemorySegment from, long at, long data) {
        long instant = from.get(LONG, at + INSTANT);
        long subject = from.get(LONG, at + SUBJECT);
        long value = from.get(LONG, at + VALUE);
        content.lastInstant = Math.max(content.lastInstant, instant);
        switch (from.get(INT, at + KIND)) {
            case REQUEST -> {
                int operation = from.get(INT, at + OPERATION);
                content.changes.add(
                        new Change(
                                0,
                                operation(operation & (THROUGH - 1)),
                                (operation & THROUGH) != 0,
                                subject,
                                value,
                                from.asSlice(at + HEADER, data),
                                instant,
                                Long.MAX_VALUE,
                                0));
            }
            case ANSWER -> {
                if (subject < 0 || subject >= content.changes.size()) {
                    return false;
                }
                Change asked = content.changes.get((int) subject);
                content.changes.set((int) subject, asked.answered(instant, (int) value));
            }
            case MARK ->
                    content.marks.add(
                            new Mark(
                                    instant,
                                    new String(
                                            from.asSlice(at + HEADER, data)
                                                    .toArray(ValueLayout.JAVA_BYTE),
                                            StandardCharsets.UTF_8)));
            default -> {
                return false;
            }
        }
        return true;
    }

    private static int code(Operation operation) {
        return switch (operation) {
            case READ -> 0;
            case WRITE -> 1;
            case FLUSH -> 2;
            case DISCARD -> 3;
            case WRITE_ZEROES -> 4;
            default -> throw new IllegalArgumentException(operation + " is not recorded");
        };
    }

    private static Operation operation(int code) {
        return switch (code) {
            case 0 -> Operation.READ;
            case 1 -> Operation.WRITE;
            case 2 -> Operation.FLUSH;
            case 3 -> Operation.DISCARD;
            default -> Operation.WRITE_ZEROES;
        };
    }
}
