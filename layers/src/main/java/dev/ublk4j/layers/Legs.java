package dev.ublk4j.layers;

import dev.ublk4j.server.Geometry;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** What several legs have in common. */
final class Legs {
    private Legs() {}

    /**
     * {@return a geometry that every leg can serve, of a size} It discards and writes zeroes where
     * all legs do, and has a volatile cache where one of them has.
     *
     * @throws IllegalArgumentException when one leg is read-only and another is not, or blocks
     *     differ
     */
    static Geometry common(String layer, List<Geometry> legs, long size) {
        requireNoZones(layer, legs);
        requireNoIntegrity(layer, legs);
        requireSame(layer, legs, "blocks of ", Geometry::logicalBlockSize);
        for (int i = 1; i < legs.size(); i++) {
            if (legs.get(i).readOnly() != legs.getFirst().readOnly()) {
                throw new IllegalArgumentException(
                        "%s: leg %d is %s, and leg 1 is %s"
                                .formatted(layer, i + 1, access(legs.get(i)), access(legs.get(0))));
            }
        }
        Geometry geometry =
                Geometry.ofSize(size)
                        .withBlockSize(legs.getFirst().logicalBlockSize())
                        .withPhysicalBlockSize(most(legs, Geometry::physicalBlockSize))
                        .withDmaAlignment(most(legs, Geometry::dmaAlignment))
                        .withMaxIo((int) least(legs, Geometry::maxIo));
        geometry = withSegments(geometry, legs);
        geometry =
                legs.stream().anyMatch(Geometry::rotational) ? geometry.asRotational() : geometry;
        if (legs.stream().anyMatch(Geometry::volatileCache)) {
            boolean all =
                    legs.stream().allMatch(leg -> leg.forcedUnitAccess() || !leg.volatileCache());
            geometry = all ? geometry.withForcedUnitAccess() : geometry.withVolatileCache();
        }
        if (legs.getFirst().readOnly()) {
            return geometry.asReadOnly();
        }
        if (legs.stream().allMatch(leg -> leg.discardGranularity() > 0)) {
            geometry = geometry.withDiscard(most(legs, Geometry::discardGranularity));
        }
        if (legs.stream().allMatch(leg -> leg.maxWriteZeroes() > 0)) {
            geometry = geometry.withWriteZeroes();
        }
        return geometry;
    }

    /** The parts of a request have its memory, so its segments are such as every leg takes. */
    static Geometry withSegments(Geometry geometry, List<Geometry> legs) {
        Geometry limited = geometry;
        long count = least(legs, Geometry::maxSegments);
        long size = least(legs, Geometry::maxSegmentSize);
        long boundary = least(legs, Geometry::segmentBoundary);
        limited = count == 0 ? limited : limited.withMaxSegments((int) count);
        limited = size == 0 ? limited : limited.withMaxSegmentSize(size);
        return boundary == 0 ? limited : limited.withSegmentBoundary(boundary);
    }

    /** {@return the smallest of a limit that not every leg has, or 0 where none has it} */
    private static long least(List<Geometry> legs, ToLongFunction<Geometry> what) {
        return legs.stream().mapToLong(what).filter(each -> each > 0).min().orElse(0);
    }

    private static String access(Geometry leg) {
        return leg.readOnly() ? "read-only" : "writable";
    }

    private static int most(List<Geometry> legs, Function<Geometry, Integer> what) {
        return legs.stream().map(what).max(Integer::compare).orElseThrow();
    }

    /**
     * Refuses legs that differ in a number of bytes.
     *
     * @param what stands before the number
     */
    static void requireSame(
            String layer, List<Geometry> legs, String what, ToLongFunction<Geometry> number) {
        long first = number.applyAsLong(legs.getFirst());
        for (int i = 1; i < legs.size(); i++) {
            long other = number.applyAsLong(legs.get(i));
            if (other != first) {
                throw new IllegalArgumentException(
                        "%s: leg %d has %s%d bytes, and leg 1 has %s%d"
                                .formatted(layer, i + 1, what, other, what, first));
            }
        }
    }

    /** Refuses legs that have zones: they are not written in the order of those. */
    static void requireNoZones(String layer, List<Geometry> legs) {
        for (int i = 0; i < legs.size(); i++) {
            if (legs.get(i).zones() != null) {
                throw new IllegalArgumentException(
                        "%s: leg %d has zones; put 'zoned' over the whole, not below"
                                .formatted(layer, i + 1));
            }
        }
    }

    /** Refuses legs with integrity metadata: what it tells of the data is lost on the way. */
    static void requireNoIntegrity(String layer, List<Geometry> legs) {
        for (int i = 0; i < legs.size(); i++) {
            if (legs.get(i).integrity() != null) {
                throw new IllegalArgumentException(
                        "%s: leg %d has integrity metadata; put that over the whole, not below"
                                .formatted(layer, i + 1));
            }
        }
    }

    /** Refuses too few legs. */
    static void requireAtLeast(String layer, int least, List<?> legs) {
        if (legs.size() < least) {
            throw new IllegalArgumentException(
                    "%s: needs at least %d targets, and has %d"
                            .formatted(layer, least, legs.size()));
        }
    }
}
