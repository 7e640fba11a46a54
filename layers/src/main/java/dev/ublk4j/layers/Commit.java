package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import java.lang.foreign.Arena;

/** Writes what is in the upper target of an overlay to its base, run by run of clusters. */
final class Commit {
    private final OverlayQueue of;
    private final OverlayMap map;
    private final WriteBarrier barrier;
    private final Arena arena = Arena.ofShared();
    private final Copying copying;
    private final int most;

    private long cluster;
    private long last;

    /**
     * Makes one that has not begun.
     *
     * @param most bytes that are copied at a time, at least a cluster
     */
    Commit(OverlayQueue of, OverlayMap map, WriteBarrier barrier, int most) {
        this.of = of;
        this.map = map;
        this.barrier = barrier;
        this.most = most;
        this.copying = new Copying(of.queue, barrier, arena.allocate(most, OverlayMap.PAGE));
    }

    void next() {
        while (cluster < map.clusters() && !map.isUpper(cluster)) {
            cluster++;
        }
        if (of.queue.isLeaving()) {
            of.endCommit(Errno.ESHUTDOWN.negated());
        } else if (cluster == map.clusters()) {
            of.flush(of::endCommit);
        } else {
            last = cluster;
            while (last + 1 < map.clusters()
                    && map.isUpper(last + 1)
                    && map.endOf(last + 1) - map.startOf(cluster) <= most) {
                last++;
            }
            int bytes = (int) (map.endOf(last) - map.startOf(cluster));
            copying.copy(of.upper, of.base, map.startOf(cluster), bytes, this::copied);
        }
    }

    private void copied(int result) {
        if (result < 0) {
            of.endCommit(result);
        } else {
            copying.flush(of.base, this::flushed);
        }
    }

    private void flushed(int result) {
        if (result < 0) {
            of.endCommit(result);
            return;
        }
        while (cluster <= last) {
            map.toBase(cluster++);
        }
        barrier.unblock();
        next();
    }

    /** Lets changes through, and the memory go. */
    void close() {
        barrier.unblock();
        if (!of.queue.hasIoLeft()) {
            arena.close();
        }
    }
}
