package dev.ublk4j.crash;

import dev.ublk4j.layers.Overlay;
import dev.ublk4j.layers.OverlayMap;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileOptions;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was on a recorded disk at an instant. It names the data of the recording, and copies none;
 * so it is made in milliseconds.
 */
public final class RecordedImage {
    private static final int CLUSTER = 64 * 1024;
    private static final int ZEROED_AT_ONCE = 64 * 1024;

    /** What is written from a place on, up to an end; by the place. */
    private final TreeMap<Long, Extent> extents = new TreeMap<>();

    private final long size;

    private record Extent(long end, Change change) {}

    RecordedImage(
            List<Change> changes, long[] durable, long instant, Recording.Chosen loss, long size) {
        this.size = size;
        Random random = new Random(loss.seed());
        for (Change change : changes) {
            if (change.sent() > instant || change.length() == 0) {
                continue;
            }
            boolean isDurable = durable[change.number() - 1] <= instant;
            int fate = isDurable ? 0 : loss.how() < 2 ? loss.how() : random.nextInt(3);
            if (fate == 0) {
                lay(change, change.offset(), change.end());
            } else if (fate == 2) {
                for (long at = change.offset(); at < change.end(); at += DiskModel.SECTOR) {
                    if (random.nextBoolean()) {
                        lay(change, at, at + DiskModel.SECTOR);
                    }
                }
            }
        }
    }

    /** Puts a part of a change over what is there. */
    private void lay(Change change, long from, long to) {
        Map.Entry<Long, Extent> before = extents.lowerEntry(from);
        if (before != null && before.getValue().end > from) {
            extents.put(before.getKey(), new Extent(from, before.getValue().change));
            if (before.getValue().end > to) {
                extents.put(to, before.getValue());
            }
        }
        Map.Entry<Long, Extent> within = extents.ceilingEntry(from);
        while (within != null && within.getKey() < to) {
            extents.remove(within.getKey());
            if (within.getValue().end > to) {
                extents.put(to, within.getValue());
            }
            within = extents.higherEntry(within.getKey());
        }
        extents.put(from, new Extent(to, change));
    }

    /** {@return bytes on the disk} */
    public long size() {
        return size;
    }

    /**
     * Writes it to a file or a block device. What the recording has not written is left as it is; a
     * file that is not there is made, and is zero there.
     *
     * @throws IOException when that cannot be written, or is smaller than the disk
     * @throws dev.ublk4j.targets.UnfitFileException when a server has it, or it can hold no disk
     * @throws dev.ublk4j.linux.LinuxException {@code EBUSY} for a block device that is in use
     */
    public void writeTo(Path path) throws IOException {
        try (BackingFile _ = claimOrNull(path);
                FileChannel channel =
                        FileChannel.open(
                                path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (Files.isRegularFile(path) && channel.size() == 0) {
                grow(channel);
            }
            for (Map.Entry<Long, Extent> each : extents.entrySet()) {
                write(channel, each.getKey(), each.getValue());
            }
            channel.force(false);
        }
    }

    /** Keeps servers and mounts away from what is there, as whoever serves it does. */
    private @Nullable BackingFile claimOrNull(Path path) throws IOException {
        if (!Files.exists(path)) {
            return null;
        }
        if (Files.isRegularFile(path)) {
            if (Files.size(path) == 0) {
                return null;
            }
            requireFit(path, Files.size(path));
        }
        BackingFile claimed = BackingFile.open(path, FileOptions.of(Caching.BUFFERED));
        try {
            requireFit(path, claimed.size());
            return claimed;
        } catch (Throwable e) {
            claimed.close();
            throw e;
        }
    }

    private void requireFit(Path path, long there) throws IOException {
        if (there < size) {
            throw new IOException(
                    "the recording is of a disk of %d bytes, and %s has %d"
                            .formatted(size, path, there));
        }
    }

    private void grow(FileChannel channel) throws IOException {
        ByteBuffer last = ByteBuffer.allocate(1);
        while (last.hasRemaining()) {
            int _ = channel.write(last, size - 1);
        }
    }

    private static void write(FileChannel channel, long from, Extent extent) throws IOException {
        Change change = extent.change;
        if (change.operation() == Operation.WRITE) {
            ByteBuffer data =
                    change.data().asSlice(from - change.offset(), extent.end - from).asByteBuffer();
            while (data.hasRemaining()) {
                int _ = channel.write(data, from + data.position());
            }
            return;
        }
        ByteBuffer zeroes = ByteBuffer.allocate(ZEROED_AT_ONCE);
        long at = from;
        while (at < extent.end) {
            zeroes.clear().limit((int) Math.min(ZEROED_AT_ONCE, extent.end - at));
            at += channel.write(zeroes, at);
        }
    }

    /** {@return a disk with this, which takes changes that go with it} */
    Target target() {
        return new Overlay(
                new Frozen(), new MemoryTarget(size), OverlayMap.inMemory(size, CLUSTER));
    }

    /** Copies what is on a range. */
    private void read(long position, MemorySegment into) {
        into.fill((byte) 0);
        long end = position + into.byteSize();
        Map.Entry<Long, Extent> each = extents.floorEntry(position);
        if (each == null || each.getValue().end <= position) {
            each = extents.higherEntry(position);
        }
        while (each != null && each.getKey() < end) {
            Change change = each.getValue().change;
            if (change.operation() == Operation.WRITE) {
                long from = Math.max(position, each.getKey());
                long to = Math.min(end, each.getValue().end);
                MemorySegment.copy(
                        change.data(), from - change.offset(), into, from - position, to - from);
            }
            each = extents.higherEntry(each.getKey());
        }
    }

    /** The image as it was, below an overlay. */
    private final class Frozen implements SimpleTarget {
        @Override
        public Geometry geometry() {
            return Geometry.ofSize(size).asReadOnly();
        }

        @Override
        public int read(Request request) {
            RecordedImage.this.read(request.offset(), request.data());
            return request.whole();
        }

        @Override
        public int write(Request request) {
            throw new IllegalStateException("an image of a recording is not written");
        }
    }
}
