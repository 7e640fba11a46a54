package dev.ublk4j.nbd;

import dev.ublk4j.server.ChangeMap;
import dev.ublk4j.server.Extents;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.targets.MemoryTarget;

/** Memory of which every other cluster is told to have changed. */
final class StripedChanges extends ForwardingTarget implements ChangeMap {
    private final int cluster;

    StripedChanges(int cluster) {
        super(new MemoryTarget(Served.SIZE));
        this.cluster = cluster;
    }

    @Override
    public void describeChanges(long offset, long length, Extents extents) {
        long end = offset + length;
        boolean more = true;
        for (long at = offset; more && at < end; ) {
            long next = Math.min((at / cluster + 1) * cluster, end);
            more = extents.add(next - at, at / cluster % 2 == 1);
            at = next;
        }
    }
}
