package dev.ublk4j.crash;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.targets.MemoryTarget;

/** The disk that is recorded, in memory, with the cache of its model. */
final class Platter extends ForwardingTarget {
    private final Geometry geometry;

    Platter(CrashOptions options) {
        super(new MemoryTarget(options.size()));
        Geometry plain = super.geometry();
        geometry =
                options.model().cache() == DiskModel.Cache.NONE
                        ? plain
                        : plain.withForcedUnitAccess();
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }
}
