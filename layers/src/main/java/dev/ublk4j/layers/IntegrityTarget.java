package dev.ublk4j.layers;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.IntegrityFormat;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.util.List;

/**
 * Two targets as a device with integrity metadata: the data lies at the same place of the one, and
 * the metadata of each interval on the other, one piece after the other.
 *
 * <p>Metadata is kept as it comes; the kernel makes and checks protection information. Where none
 * has been written, where data was discarded or zeroed, and where a write came without any, it is
 * {@linkplain IntegrityFormat#unwritten full of ones}, which nobody checks: kept as zeroes, so that
 * a hole is enough. With a checksum the bytes are therefore kept inverted.
 *
 * <p>Data and metadata are written at the same time, each for itself. When the machine fails
 * meanwhile, or one of the two writes, or when the same blocks are written and read at the same
 * time, they may not be of the same write: the kernel then fails the read with {@code EILSEQ}. A
 * block is sound again when it has been written.
 */
public final class IntegrityTarget extends Layer {
    private final IntegrityFormat format;

    /**
     * Gives a target integrity metadata.
     *
     * @param data belongs to the layer from now on, also when this throws
     * @param metadata takes requests of any bytes, not of whole blocks alone, as {@code
     *     MemoryTarget} and a {@code FileTarget} through the page cache do; belongs to the layer,
     *     too
     * @throws IllegalArgumentException when one of the two is too small or has zones or metadata
     *     itself, or the metadata cannot be written or zeroed where the data can be written
     */
    public IntegrityTarget(Target data, Target metadata, IntegrityFormat format) {
        super(List.of(data, metadata), legs -> geometry(legs, format));
        this.format = format;
    }

    private static Geometry geometry(List<Geometry> legs, IntegrityFormat format) {
        Legs.requireNoZones("integrity", legs);
        Legs.requireNoIntegrity("integrity", legs);
        Geometry data = legs.getFirst();
        Geometry metadata = legs.getLast();
        long needed = format.metadataOf(data.size());
        if (metadata.size() < needed) {
            throw new IllegalArgumentException(
                    "integrity: the metadata of the data takes %d bytes, and its target has %d"
                            .formatted(needed, metadata.size()));
        }
        if (!data.readOnly() && (metadata.readOnly() || metadata.maxWriteZeroes() == 0)) {
            throw new IllegalArgumentException(
                    "integrity: the data can be written, and the metadata cannot be %s"
                            .formatted(metadata.readOnly() ? "written" : "zeroed"));
        }
        Geometry geometry =
                Geometry.ofSize(data.size())
                        .withBlockSize(data.logicalBlockSize())
                        .withPhysicalBlockSize(data.physicalBlockSize())
                        .withDmaAlignment(data.dmaAlignment())
                        .withMaxIo(data.maxIo())
                        .withIntegrity(format);
        geometry = Legs.withSegments(geometry, List.of(data));
        geometry = data.rotational() ? geometry.asRotational() : geometry;
        geometry = withCache(geometry, legs);
        if (data.readOnly()) {
            return geometry.asReadOnly();
        }
        if (data.discardGranularity() > 0) {
            geometry = geometry.withDiscard(data.discardGranularity());
        }
        return data.maxWriteZeroes() > 0 ? geometry.withWriteZeroes() : geometry;
    }

    private static Geometry withCache(Geometry geometry, List<Geometry> legs) {
        if (legs.stream().noneMatch(Geometry::volatileCache)) {
            return geometry;
        }
        boolean all = legs.stream().allMatch(leg -> leg.forcedUnitAccess() || !leg.volatileCache());
        return all ? geometry.withForcedUnitAccess() : geometry.withVolatileCache();
    }

    @Override
    protected TargetQueue open(Queue queue, List<TargetQueue> below) {
        return new IntegrityQueue(queue, below.getFirst(), below.getLast(), format);
    }
}
