package dev.ublk4j.targets;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.SimpleTarget;

/**
 * Answers every request at once: writes vanish, and reads leave the data as they find it. For
 * measuring what serving itself costs.
 */
public final class NullTarget
        implements SimpleTarget,
                SimpleTarget.Discards,
                SimpleTarget.WritesZeroes,
                Resizable,
                LeavesData {
    /** The size of a null device that nobody gave one: 250 GiB. */
    public static final long DEFAULT_SIZE = 250L << 30;

    private final Geometry geometry;

    /**
     * Creates a null device.
     *
     * @param size bytes, a multiple of 512
     */
    public NullTarget(long size) {
        geometry = Geometry.ofSize(size).withDiscard(4096).withWriteZeroes();
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public int read(Request request) {
        return (int) request.length();
    }

    @Override
    public int write(Request request) {
        return (int) request.length();
    }

    @Override
    public int discard(Request request) {
        return 0;
    }

    @Override
    public int writeZeroes(Request request) {
        return 0;
    }

    /** Any size will do. */
    @Override
    public void resize(long bytes) {}
}
