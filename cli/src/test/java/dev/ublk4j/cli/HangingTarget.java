package dev.ublk4j.cli;

import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.util.concurrent.locks.LockSupport;

/** A target that does not let its server end. */
public class HangingTarget implements SimpleTarget {
    private final String where;

    public HangingTarget(String where) {
        this.where = where;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(1 << 20);
    }

    @Override
    public int read(Request request) {
        System.out.println("reads");
        System.out.flush();
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

    /** The same on virtual threads. */
    public static final class OnThreads extends HangingTarget implements BlockingTarget {
        public OnThreads() {
            super("blocking");
        }
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
