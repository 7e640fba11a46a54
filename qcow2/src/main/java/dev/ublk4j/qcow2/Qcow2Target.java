package dev.ublk4j.qcow2;

import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A device in an image of QEMU's format qcow2, with the backing files that it names.
 *
 * <p>Images of version 2 and 3 are served, with clusters of 512 bytes to 2 MiB, snapshots,
 * compressed clusters (zlib), and backing files that are raw or qcow2. Refused, by name, are
 * encryption, external data files, subclusters and features that are newer than this. An image that
 * is marked as dirty or corrupt is only read.
 *
 * <p><b>The path of a request.</b> A request is cut into runs of clusters that lie side by side in
 * the image, and each is a part that the ring moves. Where they lie is looked up in tables in
 * memory that all queues share, by a volatile read: for clusters that have their place, no lock is
 * taken and nothing is allocated. A table that is not in memory is read over the ring of the queue
 * that misses it, and brought in by whoever is first ({@code Mapping}).
 *
 * <p><b>Changes.</b> A write to a cluster without a place takes one that is reserved, writes there,
 * and asks the allocator to link it ({@code Placing}, {@code Allocator}). The allocator is one
 * thread for all queues; it alone changes tables, so there is one order of changes, and it is the
 * order in which a crash leaves a whole image. What has been given up is used for something else
 * when no queue has I/O on it any more ({@code GracePeriod}).
 *
 * <p><b>Durability.</b> A write is durable after a flush. One that has completed and not been
 * flushed outlives the server, and not the machine.
 */
public final class Qcow2Target implements Target, AllocationMap {
    /** So that a description of a large disk does not read all of its tables. */
    private static final int TABLES_DESCRIBED = 64;

    private final Image image;
    private final Geometry geometry;

    Qcow2Target(Image image) {
        this.image = image;
        this.geometry = geometry(image);
    }

    private static Geometry geometry(Image image) {
        Geometry below = image.data().geometry();
        Geometry own =
                Geometry.ofSize(image.size())
                        .withBlockSize(below.logicalBlockSize())
                        .withDmaAlignment(below.dmaAlignment())
                        .withVolatileCache();
        if (image.allocator() == null) {
            return own.asReadOnly();
        }
        if (image.header().version() == 2 && image.base() != null) {
            // A cluster that is given up would show what the backing file has.
            return own;
        }
        int cluster = image.clusterBytes();
        return own.withDiscard(Math.max(cluster, below.logicalBlockSize())).withWriteZeroes();
    }

    /**
     * Opens an image and its backing files.
     *
     * @throws dev.ublk4j.targets.UnfitFileException when it is none, is damaged, needs what is not
     *     supported, or is in use by another server
     * @throws dev.ublk4j.linux.LinuxException when a file cannot be opened or read
     */
    public static Qcow2Target open(Path path, Qcow2Options options) {
        return new Qcow2Target(ImageReader.open(path, options));
    }

    /** {@return the snapshots that the image has, in its order} */
    public List<Snapshot> snapshots() {
        return Snapshot.read(image.file(), image.header()).stream()
                .map(Snapshot.Place::snapshot)
                .toList();
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public TargetQueue open(Queue queue) {
        TargetQueue data = image.data().open(queue);
        TargetQueue below = null;
        try {
            below = image.base() == null ? null : image.base().open(queue);
            return new Qcow2Queue(queue, image, data, below);
        } catch (Throwable e) {
            try (data;
                    TargetQueue _ = below) {
                throw e;
            }
        }
    }

    @Override
    public void describe(long offset, long length, Extents extents) {
        long end = offset + length;
        long at = offset;
        int tables = 0;
        while (at < end && tables < TABLES_DESCRIBED) {
            int index = image.mapping().indexOf(at);
            long to = Math.min(end, image.mapping().endOf(index));
            L2Table table = image.mapping().load(index);
            tables += table == null ? 0 : 1;
            boolean more =
                    table == null
                            ? describeBase(at, to, extents)
                            : describe(table, at, to, extents);
            if (!more) {
                return;
            }
            at = to;
        }
    }

    private boolean describe(L2Table table, long from, long end, Extents extents) {
        long mask = image.clusterBytes() - 1L;
        boolean more = true;
        for (long at = from; more && at < end; ) {
            long to = Math.min((at | mask) + 1, end);
            long entry = entry(table, at);
            boolean isBase = Layout.isUnallocated(entry);
            while (isBase && to < end && Layout.isUnallocated(entry(table, to))) {
                to = Math.min((to | mask) + 1, end);
            }
            more =
                    isBase
                            ? describeBase(at, to, extents)
                            : extents.add(to - at, !Layout.isZero(entry));
            at = to;
        }
        return more;
    }

    private long entry(L2Table table, long at) {
        return table.entry((int) (at >>> image.clusterBits()) & (table.count() - 1));
    }

    private boolean describeBase(long at, long end, Extents extents) {
        long here = Math.clamp(image.baseBytes(), at, end);
        if (here > at) {
            AllocationMap below = Objects.requireNonNull(image.base()).ability(AllocationMap.class);
            if (below == null) {
                if (!extents.add(here - at, true)) {
                    return false;
                }
            } else {
                long before = extents.described();
                below.describe(at, here - at, extents);
                if (extents.described() - before < here - at) {
                    return false;
                }
            }
        }
        return extents.add(end - here, false);
    }

    @Override
    public void close() {
        try (MetadataFile _ = image.file();
                Target _ = image.data();
                @Nullable Target _ = image.base();
                @Nullable Allocator _ = image.allocator()) {
            // In the opposite order.
        }
    }
}
