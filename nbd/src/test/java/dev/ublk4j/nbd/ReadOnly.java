package dev.ublk4j.nbd;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;

/** A target that nobody may write to. */
record ReadOnly(Geometry geometry) implements SimpleTarget {
    @Override
    public int read(Request request) {
        return (int) request.length();
    }

    @Override
    public int write(Request request) {
        throw new AssertionError("a write of a read-only device: " + request);
    }
}
