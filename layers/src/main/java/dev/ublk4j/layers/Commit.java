package dev.ublk4j.layers;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.Arena;
import java.util.concurrent.CompletableFuture;

/** Writes what is in the upper target of an overlay to its base, run by run of clusters. */
final class Commit {
    private final OverlayQueue of;
    private final OverlayMap map;
    private final WriteBarrier barrier;
    private final CompletableFuture<Void> done;
    private final Arena arena = Arena.ofShared();
    private final Copying copying;
    private final int most;

    private long cluster;
    private long last;

    /**
     * Makes one that has not begun.
     *
     * @param most bytes that are copied at a time, at least a cluster
     * @param done is completed at the end
     */
    Commit(
            OverlayQueue of,
            OverlayMap map,
            WriteBarrier barrier,
            int most,
            CompletableFuture<Void> done) {
        this.of = of;
        this.map = map;
        this.barrier = barrier;
        this.most = most;
        this.done = done;
        this.copying = new Copying(of.queue, barrier, arena.allocate(most, OverlayMap.PAGE));
    }

    void next() {
        while (cluster < map.clusters() && !map.isUpper(cluster)) {
            cluster++;
        }
        if (of.queue.isLeaving()) {
            end(Errno.ESHUTDOWN.negated());
        } else if (cluster == map.clusters()) {
            writeMap();
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
            end(result);
        } else {
            copying.flush(of.base, this::flushed);
        }
    }

    private void flushed(int result) {
        if (result < 0) {
            end(result);
            return;
        }
        while (cluster <= last) {
            map.toBase(cluster++);
        }
        barrier.unblock();
        next();
    }

    private void writeMap() {
        if (!of.flushMap(this::end)) {
            of.queue.execute(this::writeMap);
        }
    }

    void end(int result) {
        barrier.unblock();
        of.endCommit();
        if (!of.queue.hasIoLeft()) {
            arena.close();
        }
        if (result < 0) {
            done.completeExceptionally(new LinuxException("commit", "overlay", result));
        } else {
            done.complete(null);
        }
    }
}
