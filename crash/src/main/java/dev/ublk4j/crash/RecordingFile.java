package dev.ublk4j.crash;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Geometry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The file of a recording: a header, and behind it the segments of all {@link Lane}s, in the order
 * in which they were begun. {@code docs/formats.md} has the layout.
 */
final class RecordingFile implements RecordedSpace {
    private static final long MAGIC = 0x316365726b6c6275L; // "ublkrec1", in the file
    private static final int VERSION = 1;
    private static final int HEADER = 4096;
    private static final int VERSION_AT = 8;
    private static final int FLAGS_AT = 12;
    private static final int SIZE_AT = 16;
    private static final int CHECKSUM_AT = 24;
    private static final int VOLATILE_CACHE = 1;
    private static final int ZEROED_AT_ONCE = 256 << 10;

    private final Path path;
    private final FileChannel channel;
    private final Arena arena = Arena.ofShared();
    private final long size;
    private final boolean volatileCache;
    private final List<Lane> lanes;
    private final long lastInstant;
    private final ByteBuffer zeroes = ByteBuffer.allocateDirect(ZEROED_AT_ONCE);
    private long end;

    /** Whether there is something behind the last whole segment. */
    private boolean isCut;

    private RecordingFile(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        while (header.hasRemaining() && channel.read(header, header.position()) >= 0) {
            // The rest of it.
        }
        if (header.hasRemaining() || header.getLong(0) != MAGIC) {
            throw new IOException(path + " is no recording of a disk");
        }
        if (header.getInt(VERSION_AT) != VERSION) {
            throw new IOException(
                    "%s is a recording of version %d, and this program reads version %d"
                            .formatted(path, header.getInt(VERSION_AT), VERSION));
        }
        if (header.getInt(CHECKSUM_AT) != sum(header)) {
            throw new IOException(path + " is damaged: the checksum of its header is wrong");
        }
        size = header.getLong(SIZE_AT);
        if (size <= 0 || size % DiskModel.SECTOR != 0) {
            throw new IOException(
                    "%s is damaged: a disk of %d bytes cannot be".formatted(path, size));
        }
        volatileCache = (header.getInt(FLAGS_AT) & VOLATILE_CACHE) != 0;
        lanes = readLanes();
        lastInstant = lanes.stream().mapToLong(lane -> lane.read(true).lastInstant).max().orElse(0);
    }

    private static int sum(ByteBuffer header) {
        CRC32C checksum = new CRC32C();
        checksum.update(header.slice(0, CHECKSUM_AT));
        return (int) checksum.getValue();
    }

    /** Opens a recording to read it. */
    static RecordingFile openToRead(Path path) throws IOException {
        requireFile(path);
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        return opened(path, channel);
    }

    /** Opens a recording to go on with it, or makes one. */
    static RecordingFile openToWrite(Path path, Geometry geometry) throws IOException {
        requireFile(path);
        FileChannel channel =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        try {
            lock(path, channel);
            if (channel.size() == 0) {
                writeHeader(channel, geometry);
            }
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
        RecordingFile file = opened(path, channel);
        if (file.isCut && channel.size() - file.end > Lane.SEGMENT) {
            file.close();
            throw new IOException(
                    "%s is damaged at byte %d, and what is behind would be written over; record to another file"
                            .formatted(path, file.end));
        }
        if (file.size != geometry.size()) {
            file.close();
            throw new IOException(
                    "%s is the recording of a disk of %d bytes, and this one has %d"
                            .formatted(path, file.size, geometry.size()));
        }
        return file;
    }

    /** A pipe would be waited for. */
    private static void requireFile(Path path) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new IOException(path + " is no recording of a disk");
        }
    }

    private static RecordingFile opened(Path path, FileChannel channel) throws IOException {
        try {
            return new RecordingFile(path, channel);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    private static void lock(Path path, FileChannel channel) throws IOException {
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException _) {
            // By this process.
        }
        throw new IOException(path + " is a recording that another records to");
    }

    private static void writeHeader(FileChannel channel, Geometry geometry) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(0, MAGIC);
        header.putInt(VERSION_AT, VERSION);
        header.putInt(FLAGS_AT, geometry.volatileCache() ? VOLATILE_CACHE : 0);
        header.putLong(SIZE_AT, geometry.size());
        header.putInt(CHECKSUM_AT, sum(header));
        while (header.hasRemaining()) {
            int _ = channel.write(header, header.position());
        }
    }

    private List<Lane> readLanes() throws IOException {
        TreeMap<Integer, List<MemorySegment>> segments = new TreeMap<>();
        long at = HEADER;
        ValueLayout.OfInt number = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
        ValueLayout.OfLong length = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
        while (at + Lane.SEGMENT <= channel.size()) {
            MemorySegment segment = channel.map(MapMode.READ_ONLY, at, Lane.SEGMENT, arena);
            if (segment.get(number, 0) == 0) {
                // Nobody has begun it: who had the room has died before. Others have gone on.
                at += Lane.SEGMENT;
                continue;
            }
            long bytes = segment.get(length, Lane.SEGMENT_LENGTH);
            if (segment.get(number, 0) != Lane.SEGMENT_MAGIC
                    || bytes < Lane.SEGMENT
                    || bytes % Lane.SEGMENT != 0
                    || bytes > Math.min(Integer.MAX_VALUE, channel.size() - at)) {
                break;
            }
            if (bytes > Lane.SEGMENT) {
                segment = channel.map(MapMode.READ_ONLY, at, bytes, arena);
            }
            List<MemorySegment> lane =
                    segments.computeIfAbsent(
                            segment.get(number, Lane.SEGMENT_LANE), _ -> new ArrayList<>());
            if (segment.get(length, Lane.SEGMENT_PLACE) != lane.size()) {
                break;
            }
            lane.add(segment);
            at += bytes;
        }
        end = at;
        isCut = isSomethingAt(at);
        List<Lane> read = new ArrayList<>();
        segments.forEach((lane, all) -> read.add(Lane.of(lane, all)));
        return read;
    }

    /** Room that was taken and not used is zero. */
    private boolean isSomethingAt(long at) throws IOException {
        ByteBuffer first = ByteBuffer.allocate(Integer.BYTES);
        while (first.hasRemaining() && channel.read(first, at + first.position()) >= 0) {
            // The rest of it.
        }
        return first.getInt(0) != 0;
    }

    /** {@return whether there is something behind the last segment that can be read} */
    boolean isCut() {
        return isCut;
    }

    /** {@return bytes on the disk that was recorded} */
    long size() {
        return size;
    }

    /** {@return whether the disk said that it may lose what was not flushed} */
    boolean volatileCache() {
        return volatileCache;
    }

    /** {@return a number that no lane had when it was opened, and none above it} */
    int nextLane() {
        return lanes.isEmpty() ? 0 : lanes.getLast().number() + 1;
    }

    /** {@return the last instant when it was opened} */
    long lastInstant() {
        return lastInstant;
    }

    /** {@return what was recorded when it was opened} */
    List<Lane.Content> contents() {
        return lanes.stream().map(lane -> lane.read(true)).toList();
    }

    @Override
    public synchronized MemorySegment segment(long bytes) {
        long length = Math.ceilDiv(bytes, Lane.SEGMENT) * Lane.SEGMENT;
        try {
            // A page of a mapped file that the file system has no room for kills the process. So
            // the room is taken here, where that is an error.
            for (long at = end; at < end + length; at += zeroes.position()) {
                int _ = channel.write(zeroes.clear(), at);
            }
            MemorySegment segment = channel.map(MapMode.READ_WRITE, end, length, arena);
            end += length;
            return segment;
        } catch (IOException e) {
            LinuxException full =
                    new LinuxException(
                            "record", path + ", " + e.getMessage(), Errno.ENOSPC.negated());
            full.addSuppressed(e);
            throw full;
        }
    }

    @Override
    public boolean isChecked() {
        return true;
    }

    @Override
    public void close() {
        try (FileChannel open = channel) {
            if (arena.scope().isAlive()) {
                arena.close();
                if (open.isOpen() && end > HEADER) {
                    open.force(true);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(path + " could not be made durable", e);
        }
    }
}
