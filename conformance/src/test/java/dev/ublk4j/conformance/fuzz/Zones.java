package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.MemoryBackend;
import dev.ublk4j.conformance.device.Seen;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The zones of a disk as its server keeps them, with no limit of how many are open: the first is
 * conventional, the others are written up to their capacity.
 */
final class Zones {
    static final int SIZE = 128 << 10;
    static final int SECTORS = SIZE >> 9;
    static final int CAPACITY = 96 << 10;
    static final int COUNT = World.DISK_BYTES / SIZE;

    private static final int EIO = Errno.EIO.negated();

    private final MemoryBackend backend;
    private final int[] conditions = new int[COUNT];
    private final int[] written = new int[COUNT];
    private final Map<Seen, Long> appended = new HashMap<>();

    Zones(MemoryBackend backend) {
        this.backend = backend;
        Arrays.fill(conditions, ZoneLayout.BLK_ZONE_COND_EMPTY);
        conditions[0] = ZoneLayout.BLK_ZONE_COND_NOT_WP;
    }

    /** Handles a request as a server does. */
    synchronized int handle(Seen request, MemorySegment data) {
        int zone = (int) (request.position() / SIZE);
        return switch (request.op()) {
            case IoOp.UBLK_IO_OP_READ, IoOp.UBLK_IO_OP_FLUSH -> backend.handle(request, data);
            case IoOp.UBLK_IO_OP_WRITE -> write(request, zone, data);
            case IoOp.UBLK_IO_OP_ZONE_APPEND -> append(request, zone, data);
            case IoOp.UBLK_IO_OP_REPORT_ZONES -> report(zone, request.sectors(), data);
            case IoOp.UBLK_IO_OP_ZONE_RESET_ALL -> resetAll();
            default -> zone == 0 ? EIO : change(request.op(), zone);
        };
    }

    private int write(Seen request, int zone, MemorySegment data) {
        if (zone == 0) {
            return backend.handle(request, data);
        }
        int at = (int) (request.position() % SIZE);
        if (at != written[zone] || !advance(zone, request.bytes())) {
            return EIO;
        }
        return backend.handle(request, data);
    }

    private int append(Seen request, int zone, MemorySegment data) {
        int at = written[zone];
        if (zone == 0 || !advance(zone, request.bytes())) {
            return EIO;
        }
        long position = (long) zone * SIZE + at;
        appended.put(request, position >> 9);
        MemorySegment.copy(data, 0, backend.disk(), position, request.bytes());
        return request.bytes();
    }

    /** {@return the byte of the disk where a zone is written next} */
    synchronized long writePointer(int zone) {
        return (long) zone * SIZE + written[zone];
    }

    synchronized long appendedAt(Seen request) {
        return appended.remove(request);
    }

    private boolean advance(int zone, int bytes) {
        if (conditions[zone] == ZoneLayout.BLK_ZONE_COND_FULL || written[zone] + bytes > CAPACITY) {
            return false;
        }
        written[zone] += bytes;
        if (written[zone] == CAPACITY) {
            conditions[zone] = ZoneLayout.BLK_ZONE_COND_FULL;
        } else if (conditions[zone] != ZoneLayout.BLK_ZONE_COND_EXP_OPEN) {
            conditions[zone] = ZoneLayout.BLK_ZONE_COND_IMP_OPEN;
        }
        return true;
    }

    private int change(int op, int zone) {
        boolean isFull = conditions[zone] == ZoneLayout.BLK_ZONE_COND_FULL;
        switch (op) {
            case IoOp.UBLK_IO_OP_ZONE_OPEN -> {
                if (isFull) {
                    return EIO;
                }
                conditions[zone] = ZoneLayout.BLK_ZONE_COND_EXP_OPEN;
            }
            case IoOp.UBLK_IO_OP_ZONE_CLOSE -> {
                if (isFull) {
                    return EIO;
                }
                conditions[zone] =
                        written[zone] == 0
                                ? ZoneLayout.BLK_ZONE_COND_EMPTY
                                : ZoneLayout.BLK_ZONE_COND_CLOSED;
            }
            case IoOp.UBLK_IO_OP_ZONE_FINISH -> {
                conditions[zone] = ZoneLayout.BLK_ZONE_COND_FULL;
                written[zone] = CAPACITY;
            }
            case IoOp.UBLK_IO_OP_ZONE_RESET -> {
                conditions[zone] = ZoneLayout.BLK_ZONE_COND_EMPTY;
                written[zone] = 0;
            }
            default -> {
                return Errno.EOPNOTSUPP.negated();
            }
        }
        return 0;
    }

    private int resetAll() {
        for (int zone = 1; zone < COUNT; zone++) {
            int _ = change(IoOp.UBLK_IO_OP_ZONE_RESET, zone);
        }
        return 0;
    }

    private int report(int first, int count, MemorySegment memory) {
        int last = Math.min(COUNT, first + count);
        int bytes = 0;
        for (int zone = first; zone < last; zone++) {
            memory.asSlice(bytes, ZoneLayout.SIZE).fill((byte) 0);
            describe(zone, memory, bytes);
            bytes += ZoneLayout.SIZE;
        }
        return bytes;
    }

    private void describe(int zone, MemorySegment memory, long base) {
        long start = (long) zone * SIZE;
        int length = zone == 0 ? SIZE : CAPACITY;
        ZoneLayout.start(memory, base, start >> 9);
        ZoneLayout.len(memory, base, SECTORS);
        ZoneLayout.capacity(memory, base, length >> 9);
        ZoneLayout.wp(memory, base, start + (zone == 0 ? SIZE : written[zone]) >> 9);
        ZoneLayout.type(
                memory,
                base,
                zone == 0
                        ? ZoneLayout.BLK_ZONE_TYPE_CONVENTIONAL
                        : ZoneLayout.BLK_ZONE_TYPE_SEQWRITE_REQ);
        ZoneLayout.cond(memory, base, conditions[zone]);
    }
}
