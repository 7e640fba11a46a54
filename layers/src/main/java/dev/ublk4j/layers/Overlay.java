package dev.ublk4j.layers;

import dev.ublk4j.server.ChangeMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * A target whose changes go to another one: what has not been written since is read from the base,
 * which stays as it is (copy-on-write).
 *
 * <p>The unit is a cluster of the {@link OverlayMap}. The first write to a part of one copies it to
 * the upper target as a whole, then writes the part there; a write of a whole cluster copies
 * nothing. Of several queues one fills a cluster, and the others wait.
 *
 * <p>What is written is durable when the device has been flushed: the upper target first, then the
 * map. After a crash of the machine in between a cluster is read from the base, as if it had not
 * been written. The death of the server alone loses nothing that has been written.
 */
public final class Overlay extends Layer implements ChangeMap {
    /** Bytes that a commit copies at a time, unless a cluster is larger. */
    private static final int COMMIT_BYTES = 256 << 10;

    /** Clusters that are looked at for one description of what has changed. */
    private static final int MOST_DESCRIBED = 1 << 20;

    private final OverlayMap map;
    private final WriteBarrier barrier = new WriteBarrier();

    private final TableWriter writer;

    /** The queue that commits; null before it is opened. */
    private volatile @Nullable OverlayQueue committer;

    /**
     * Puts a target over another.
     *
     * @param base belongs to the overlay from now on, also when this throws; not written to, but
     *     for {@link #commit}
     * @param upper belongs to the overlay from now on, also when this throws
     * @param map belongs to the overlay from now on, also when this throws
     * @throws IllegalArgumentException when the upper target is smaller, read-only or of other
     *     blocks, or the map is that of another size
     */
    public Overlay(Target base, Target upper, OverlayMap map) {
        this(base, upper, map, Thread.ofVirtual().factory());
    }

    /** The same, with threads of a factory that write the map. */
    Overlay(Target base, Target upper, OverlayMap map, ThreadFactory threads) {
        super(List.of(base, upper), legs -> geometry(legs, map));
        this.map = map;
        this.writer = new TableWriter("the map of the overlay", threads);
    }

    private static Geometry geometry(List<Geometry> legs, OverlayMap map) {
        try {
            return geometry(legs.get(0), legs.get(1), map);
        } catch (Throwable e) {
            try {
                map.close();
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e;
        }
    }

    private static Geometry geometry(Geometry base, Geometry upper, OverlayMap map) {
        if (upper.readOnly()) {
            throw new IllegalArgumentException("overlay: the upper target is read-only");
        }
        if (upper.size() < base.size()) {
            throw new IllegalArgumentException(
                    "overlay: the upper target has %d bytes, and the base has %d"
                            .formatted(upper.size(), base.size()));
        }
        if (map.size() != base.size()) {
            throw new IllegalArgumentException(
                    "overlay: the map is that of %d bytes, and the base has %d"
                            .formatted(map.size(), base.size()));
        }
        Legs.requireNoZones("overlay", List.of(base, upper));
        Legs.requireNoIntegrity("overlay", List.of(base, upper));
        Legs.requireSame("overlay", List.of(base, upper), "blocks of ", Geometry::logicalBlockSize);
        int maxIo =
                base.maxIo() == 0 || upper.maxIo() == 0
                        ? Math.max(base.maxIo(), upper.maxIo())
                        : Math.min(base.maxIo(), upper.maxIo());
        return Geometry.ofSize(base.size())
                .withBlockSize(base.logicalBlockSize())
                .withPhysicalBlockSize(
                        Math.max(base.physicalBlockSize(), upper.physicalBlockSize()))
                .withDmaAlignment(Math.max(base.dmaAlignment(), upper.dmaAlignment()))
                .withMaxIo(maxIo)
                .withVolatileCache();
    }

    /** {@return which clusters are in the upper target} */
    public OverlayMap map() {
        return map;
    }

    /** Tells what is in the upper target: whole clusters that differ from the base, or may. */
    @Override
    public void describeChanges(long offset, long length, Extents extents) {
        long last = map.endOf(map.clusterOf(offset) + MOST_DESCRIBED - 1);
        long end = Math.min(offset + length, last);
        boolean more = true;
        for (long at = offset; more && at < end; ) {
            long number = map.clusterOf(at);
            long next = Math.min(map.endOf(number), end);
            more = extents.add(next - at, map.isUpper(number));
            at = next;
        }
    }

    /**
     * Writes all that is in the upper target to the base, while the device is served: on the thread
     * of queue 0, beside requests. From any thread.
     *
     * @return completes when the base has it durably; with an exception where that failed, which
     *     leaves a device that reads as before
     * @throws IllegalStateException when the base is read-only, or no device has the overlay
     */
    public CompletableFuture<Void> commit() {
        if (legs().getFirst().geometry().readOnly()) {
            throw new IllegalStateException("the base of the overlay is read-only");
        }
        OverlayQueue queue = committer;
        if (queue == null) {
            throw new IllegalStateException("no device has the overlay");
        }
        CompletableFuture<Void> done = new CompletableFuture<>();
        int largest = geometry().maxIo() == 0 ? COMMIT_BYTES : geometry().maxIo();
        queue.commit(Math.max(map.cluster(), Math.min(COMMIT_BYTES, largest)), done);
        return done;
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        OverlayQueue opened =
                new OverlayQueue(queue, below.get(0), below.get(1), map, barrier, writer);
        if (queue.id() == 0) {
            committer = opened;
        }
        return opened;
    }

    @Override
    public void close() {
        try (OverlayMap _ = map) {
            super.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
