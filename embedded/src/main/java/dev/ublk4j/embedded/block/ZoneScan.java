package dev.ublk4j.embedded.block;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.uapi.IoOp;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.ZoneLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Asks the server of a disk for its zones before anybody can have it, and refuses a disk that is
 * not whole zones of one size, one behind the other ({@code blk_revalidate_disk_zones}).
 */
public final class ZoneScan {
    private static final int NO_ZONES = Errno.ENODEV.negated();

    private final Gendisk disk;
    private final int maxSectors;
    private final long zoneSectors;
    private final BitSet conventional = new BitSet();

    /** Of zones with a write pointer, 0 before the first. */
    private long capacitySectors;

    /** What a zone has to be the next one at. */
    private long sector;

    /**
     * Prepares it.
     *
     * @param maxSectors of a request
     */
    public ZoneScan(Gendisk disk, int maxSectors) {
        this.disk = disk;
        this.maxSectors = maxSectors;
        this.zoneSectors = disk.limits().chunkSectors();
    }

    /**
     * Looks at all zones.
     *
     * @param watch called now and then while the server is waited for, to see to it that the
     *     requests of one that has gone end
     * @return 0, or a negative errno
     */
    public int run(Runnable watch) {
        long zones = disk.capacitySectors() / zoneSectors;
        long most = Math.min(zones, Sectors.toBytes(maxSectors) / ZoneLayout.SIZE);
        if (zones == 0) {
            return NO_ZONES;
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(most * ZoneLayout.SIZE, Pages.SIZE);
            for (long done = 0; done < zones; ) {
                int count = (int) Math.min(most, zones - done);
                int result = report(memory, done, count, watch);
                if (result < 0) {
                    return result;
                }
                int read = read(memory, count);
                if (read <= 0) {
                    return NO_ZONES;
                }
                done += read;
            }
        }
        if (sector != disk.capacitySectors()) {
            return NO_ZONES;
        }
        disk.conventional(conventional);
        return 0;
    }

    private int report(MemorySegment memory, long first, int count, Runnable watch) {
        memory.fill((byte) 0);
        CountDownLatch done = new CountDownLatch(1);
        long[] answer = new long[1];
        Bio bio = new Bio();
        bio.begin(IoOp.UBLK_IO_OP_REPORT_ZONES, 0, Sectors.toBytes(first * zoneSectors), 0);
        bio.zones(count);
        bio.add(memory.address(), -1, 0, (int) memory.byteSize());
        disk.submit(
                new Submission(
                        bio,
                        result -> {
                            answer[0] = result;
                            done.countDown();
                        }),
                0);
        boolean interrupted = false;
        while (true) {
            try {
                if (done.await(1, TimeUnit.MILLISECONDS)) {
                    break;
                }
                watch.run();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return (int) Math.min(answer[0], 0);
    }

    /**
     * {@return how many zones there are in a report, or a negative errno for one that cannot be}
     */
    private int read(MemorySegment memory, int count) {
        for (int i = 0; i < count; i++) {
            long base = (long) i * ZoneLayout.SIZE;
            long length = ZoneLayout.len(memory, base);
            if (length == 0) {
                return i;
            }
            long capacity = ZoneLayout.capacity(memory, base);
            boolean isLast = sector + length >= disk.capacitySectors();
            if (ZoneLayout.start(memory, base) != sector
                    || capacity == 0
                    || capacity > length
                    || (isLast ? length > zoneSectors : length != zoneSectors)) {
                return NO_ZONES;
            }
            boolean canBe =
                    switch (ZoneLayout.type(memory, base)) {
                        case ZoneLayout.BLK_ZONE_TYPE_CONVENTIONAL -> {
                            conventional.set((int) (sector / zoneSectors));
                            yield capacity == length;
                        }
                        case ZoneLayout.BLK_ZONE_TYPE_SEQWRITE_REQ -> isAsBefore(capacity, isLast);
                        default -> false;
                    };
            if (!canBe) {
                return NO_ZONES;
            }
            sector += length;
        }
        return count;
    }

    /** {@return whether a zone can be written as far as those before} The last one may differ. */
    private boolean isAsBefore(long capacity, boolean isLast) {
        if (isLast) {
            return true;
        }
        if (capacitySectors == 0) {
            capacitySectors = capacity;
        }
        return capacity == capacitySectors;
    }
}
