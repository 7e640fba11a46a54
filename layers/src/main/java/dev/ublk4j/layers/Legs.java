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
                        .withMaxIo(maxIo(legs));
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

    private static String access(Geometry leg) {
        return leg.readOnly() ? "read-only" : "writable";
    }

    private static int most(List<Geometry> legs, Function<Geometry, Integer> what) {
        return legs.stream().map(what).max(Integer::compare).orElseThrow();
    }

    /** {@return the smallest of the largest requests, or 0 where no leg has one} */
    private static int maxIo(List<Geometry> legs) {
        return legs.stream().mapToInt(Geometry::maxIo).filter(each -> each > 0).min().orElse(0);
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

    /** Refuses too few legs. */
    static void requireAtLeast(String layer, int least, List<?> legs) {
        if (legs.size() < least) {
            throw new IllegalArgumentException(
                    "%s: needs at least %d targets, and has %d"
                            .formatted(layer, least, legs.size()));
        }
    }
}
