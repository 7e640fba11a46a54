package dev.ublk4j.server;

import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.lang.foreign.MemorySegment;

/** Writes zones down as the driver reads them, an array of {@code struct blk_zone}. */
final class ZoneReport {
    private final Zoned zoned;
    private final long zoneSize;
    private final long zones;

    ZoneReport(Zoned zoned, long size, long zoneSize) {
        this.zoned = zoned;
        this.zoneSize = zoneSize;
        this.zones = size / zoneSize;
    }

    /**
     * Writes zones, as many as there are and as fit.
     *
     * @param memory where to
     * @param start a byte of the first one
     * @param most how many are asked for
     * @return the bytes written
     */
    long write(MemorySegment memory, long start, long most) {
        long first = start / zoneSize;
        long count = Math.min(most, Math.min(zones - first, memory.byteSize() / ZoneLayout.SIZE));
        for (long i = 0; i < count; i++) {
            write(memory, i * ZoneLayout.SIZE, zoned.zone(Math.toIntExact(first + i)));
        }
        return Math.max(0, count) * ZoneLayout.SIZE;
    }

    private static void write(MemorySegment memory, long base, Zone zone) {
        memory.asSlice(base, ZoneLayout.SIZE).fill((byte) 0);
        ZoneLayout.start(memory, base, Sectors.ofBytes(zone.start()));
        ZoneLayout.len(memory, base, Sectors.ofBytes(zone.length()));
        ZoneLayout.capacity(memory, base, Sectors.ofBytes(zone.capacity()));
        ZoneLayout.wp(memory, base, Sectors.ofBytes(zone.writePointer()));
        ZoneLayout.type(
                memory,
                base,
                zone.isConventional()
                        ? ZoneLayout.BLK_ZONE_TYPE_CONVENTIONAL
                        : ZoneLayout.BLK_ZONE_TYPE_SEQWRITE_REQ);
        ZoneLayout.cond(memory, base, zone.condition().code());
    }
}
