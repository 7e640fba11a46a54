package dev.ublk4j.cli;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import java.util.concurrent.locks.LockSupport;

/** A target that does not let its server end. */
public final class HangingTarget implements Target {
    private final String where;

    public HangingTarget(String where) {
        this.where = where;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(1 << 20);
    }

    @Override
    public boolean blocking() {
        return where.equals("blocking");
    }

    @Override
    public int read(Request request) {
        if (where.equals("answer")) {
            return Request.PENDING;
        }
        if (!where.equals("close")) {
            hang();
        }
        return (int) request.length();
    }

    @Override
    public int write(Request request) {
        return (int) request.length();
    }

    private static void hang() {
        while (true) {
            LockSupport.park();
        }
    }

    @Override
    public void close() {
        hang();
    }
}
