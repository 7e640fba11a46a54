package dev.ublk4j.server;

import dev.ublk4j.uapi.Sectors;

/**
 * What the zones of a device are like. A zone is a range of a device that is written from its
 * beginning to its end, at its write pointer, and emptied as a whole. All are of one size.
 *
 * @param zoneSize bytes of a zone, a power of two
 * @param zoneCapacity bytes of a zone that can be written, from its beginning on: a multiple of
 *     4096. Conventional zones are written as a whole
 * @param maxOpen most zones that are open at a time, 0 for any number
 * @param maxActive most zones that are open or closed at a time, which is neither empty nor full; 0
 *     for any number
 */
public record ZoneLimits(long zoneSize, long zoneCapacity, int maxOpen, int maxActive) {
    /** The smallest zone: a page, so that a zone has whole blocks. */
    private static final long SMALLEST = 4096;

    /**
     * Zones that can be written to their ends.
     *
     * @param zoneSize bytes of a zone, a power of two
     * @param maxOpen most zones that are open at a time, 0 for any number
     * @param maxActive most zones that are open or closed at a time; 0 for any number
     */
    public ZoneLimits(long zoneSize, int maxOpen, int maxActive) {
        this(zoneSize, zoneSize, maxOpen, maxActive);
    }

    /** Refuses what no driver takes. */
    public ZoneLimits {
        if (Long.bitCount(zoneSize) != 1
                || zoneSize < SMALLEST
                || zoneSize / Sectors.SIZE > 1L << 31) {
            throw new IllegalArgumentException(
                    "zone size is not a power of two from 4096 bytes to 1 TiB: " + zoneSize);
        }
        if (zoneCapacity <= 0 || zoneCapacity > zoneSize || zoneCapacity % SMALLEST != 0) {
            throw new IllegalArgumentException(
                    "zone capacity is not a multiple of 4096 bytes up to the zone size, %d: %d"
                            .formatted(zoneSize, zoneCapacity));
        }
        if (maxOpen < 0 || maxActive < 0) {
            throw new IllegalArgumentException(
                    "limits of zones are negative: %d open, %d active"
                            .formatted(maxOpen, maxActive));
        }
        if (maxActive != 0 && (maxOpen == 0 || maxOpen > maxActive)) {
            throw new IllegalArgumentException(
                    "of %d active zones no more can be open: %d".formatted(maxActive, maxOpen));
        }
    }

    /** Refuses a device whose size these do not fit. */
    void requireFit(long size) {
        if (size % zoneSize != 0) {
            throw new IllegalArgumentException(
                    "size is not a multiple of the zone size, %d: %d".formatted(zoneSize, size));
        }
        if (Math.max(maxOpen, maxActive) > size / zoneSize) {
            throw new IllegalArgumentException(
                    "limits of zones are more than there are, %d: %d open, %d active"
                            .formatted(size / zoneSize, maxOpen, maxActive));
        }
    }
}
