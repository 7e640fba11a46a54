package dev.ublk4j.layers;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.server.Zone;
import dev.ublk4j.server.Zoned;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.ThreadFactory;

/**
 * Another target as a device of zones, as SMR disks and zoned SSDs have them: each is written from
 * its beginning to its end and emptied as a whole. What the zones are like is in a {@link
 * ZoneTable}; the data lies at the same place of the target below.
 *
 * <p>A write that is not at the write pointer of its zone fails with {@code EIO}. What lies behind
 * the write pointer is what the target below has there: zeroes, where that discards. With a table
 * in a file the device has a volatile cache: write pointers are durable when it is flushed. A zone
 * is emptied durably, before its data is discarded. Where the target below says only then that it
 * cannot discard ({@code EOPNOTSUPP}), the data stays, and the reset is done all the same.
 */
public final class ZonedTarget extends Layer implements Zoned {
    private final ZoneTable table;
    private final TableWriter writer;

    /**
     * Gives a target zones.
     *
     * @param target belongs to the layer from now on, also when this throws; its own discards and
     *     writes of zeroes are not passed on
     * @param table belongs to the layer from now on, also when this throws
     * @throws IllegalArgumentException when the target is smaller than the table says, has zones
     *     itself, or has blocks larger than zones
     */
    public ZonedTarget(Target target, ZoneTable table) {
        this(target, table, Thread.ofVirtual().factory());
    }

    /** The same, with threads of a factory that write the table. */
    ZonedTarget(Target target, ZoneTable table, ThreadFactory threads) {
        super(List.of(target), legs -> geometry(legs, table));
        this.table = table;
        this.writer = new TableWriter("the table of zones", threads);
    }

    private static Geometry geometry(List<Geometry> legs, ZoneTable table) {
        try {
            return geometry(legs.getFirst(), table);
        } catch (Throwable e) {
            try {
                table.close();
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e;
        }
    }

    private static Geometry geometry(Geometry below, ZoneTable table) {
        Legs.requireNoZones("zoned", List.of(below));
        Legs.requireNoIntegrity("zoned", List.of(below));
        if (below.size() < table.size()) {
            throw new IllegalArgumentException(
                    "zoned: the target has %d bytes, and its zones %d"
                            .formatted(below.size(), table.size()));
        }
        Geometry geometry =
                Geometry.ofSize(table.size())
                        .withBlockSize(below.logicalBlockSize())
                        .withPhysicalBlockSize(below.physicalBlockSize())
                        .withDmaAlignment(below.dmaAlignment())
                        .withMaxIo(below.maxIo())
                        .withZones(table.limits());
        geometry = Legs.withSegments(geometry, List.of(below));
        geometry = below.rotational() ? geometry.asRotational() : geometry;
        geometry =
                table.isInFile() || below.volatileCache() ? geometry.withVolatileCache() : geometry;
        return below.readOnly() ? geometry.asReadOnly() : geometry;
    }

    /** {@return what the zones are like} */
    public ZoneTable table() {
        return table;
    }

    @Override
    public Zone zone(int number) {
        return table.zone(number);
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        Geometry leg = legs().getFirst().geometry();
        return new ZonedQueue(queue, below.getFirst(), table, leg, writer);
    }

    @Override
    public void close() {
        try (ZoneTable _ = table) {
            super.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
