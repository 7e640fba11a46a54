package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.conformance.lane.Io;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.BufferOffset;
import dev.ublk4j.uapi.wire.DeviceParams.Integrity;
import dev.ublk4j.uapi.wire.ParamIntegrityLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The integrity metadata of a disk as its server keeps it, with the memory of the application that
 * brings it.
 */
final class Metadata {
    private static final int SECTOR = 512;
    private static final int MOST_OF_A_SECTOR = 255;
    private static final int MOST_OF_A_REQUEST =
            World.PAGES * World.PAGE / SECTOR * MOST_OF_A_SECTOR;
    private static final int ROOM = 2 * World.PAGE;
    private static final byte UNREAD = (byte) 0x5a;

    private final MemorySegment kept =
            MemorySegment.ofArray(new byte[World.DISK_BYTES / SECTOR * MOST_OF_A_SECTOR]);
    private final MemorySegment application;
    private final ConcurrentLinkedQueue<Long> copies = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Integrity format;

    /**
     * Takes memory for the metadata of one request.
     *
     * @param arena whose memory outlives every request
     */
    Metadata(Arena arena) {
        application = arena.allocate(MOST_OF_A_REQUEST + ROOM, World.PAGE);
    }

    /**
     * What an application brings with a request.
     *
     * @param shift bytes from the start of a page
     * @param extra bytes more than it needs, or fewer
     * @param seed of what is written
     */
    record Brought(int shift, int extra, int seed) {}

    /** Notes what the metadata of the device is like. */
    void format(@Nullable Integrity now) {
        format = now;
    }

    /** {@return whether the device has metadata} */
    boolean isThere() {
        return format != null;
    }

    /**
     * {@return whether Linux makes up metadata that nobody has brought, whatever it has been told}
     * It leaves out what is protection information alone.
     */
    boolean isMadeUp() {
        Integrity some = format;
        return some != null
                && ParamIntegrityLayout.tupleSize(some.csumType()) != some.metadataSize();
    }

    MemorySegment kept() {
        return kept;
    }

    private long of(long bytes) {
        Integrity some = format;
        return some == null ? 0 : (bytes >> some.intervalExp()) * some.metadataSize();
    }

    /** Takes the metadata of a write, or gives that of a read, on the queue's thread. */
    void exchange(Seen request, CharDevice device) {
        long bytes = of(request.bytes());
        if (!request.hasMetadata() || bytes == 0) {
            return;
        }
        long position = BufferOffset.ofIntegrity(request.queue(), request.tag(), 0);
        MemorySegment part = kept.asSlice(of(request.position()), bytes);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(bytes);
            if (request.op() == IoOp.UBLK_IO_OP_WRITE) {
                long taken = device.pread(copy, position);
                copies.add(taken);
                MemorySegment.copy(copy, 0, part, 0, Math.max(0, taken));
            } else {
                copies.add(device.pwrite(copy.copyFrom(part), position));
            }
        }
    }

    /** {@return how many bytes the server has copied for each request, and forgets it} */
    String copied() {
        List<Long> all = new ArrayList<>();
        for (Long each = copies.poll(); each != null; each = copies.poll()) {
            all.add(each);
        }
        all.sort(null);
        return all.isEmpty() ? "" : ", metadata " + all;
    }

    /** {@return a request with metadata} */
    Io bring(Io io, Brought brought) {
        Integrity some = format;
        int interval = some == null ? 0 : some.intervalExp();
        long bytes = Math.clamp(of(io.length()) + brought.extra(), 1, MOST_OF_A_REQUEST);
        MemorySegment memory = application.asSlice(brought.shift(), bytes);
        if (io.op() == IoOp.UBLK_IO_OP_READ) {
            memory.fill(UNREAD);
        } else {
            for (long at = 0; at < bytes; at++) {
                byte value = (byte) (at * 37 + (at >>> 8) * 11 + brought.seed());
                memory.set(ValueLayout.JAVA_BYTE, at, value);
            }
        }
        return io.with(new Io.Metadata(memory, io.position() >> interval));
    }

    /** {@return a sum of the metadata that a read has brought} */
    static String read(Io io, long done) {
        if (io.metadata() == null || io.op() != IoOp.UBLK_IO_OP_READ || done <= 0) {
            return "";
        }
        CRC32 sum = new CRC32();
        sum.update(io.metadata().memory().asByteBuffer());
        return " with %08x".formatted(sum.getValue());
    }
}
