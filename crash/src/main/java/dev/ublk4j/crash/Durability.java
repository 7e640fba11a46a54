package dev.ublk4j.crash;

import dev.ublk4j.server.Operation;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** From which instant on each change of a history is durable, by a model of the disk. */
final class Durability {
    private Durability() {}

    /**
     * {@return the instants, by the place of a change in the list; {@link Long#MAX_VALUE} for a
     * change that never is}
     *
     * @param prepared so many changes, the first ones, are durable from the beginning
     */
    static long[] of(List<Change> changes, DiskModel model, int prepared) {
        List<Change> flushes =
                changes.stream()
                        .filter(change -> change.isFlush() && change.succeeded())
                        .sorted(Comparator.comparingLong(Change::sent))
                        .toList();
        long[] sent = flushes.stream().mapToLong(Change::sent).toArray();
        // By the place of a flush, when the first to end of it and those sent later does.
        long[] ended = flushes.stream().mapToLong(Change::answered).toArray();
        for (int i = ended.length - 2; i >= 0; i--) {
            ended[i] = Math.min(ended[i], ended[i + 1]);
        }
        long[] durable = new long[changes.size()];
        for (int i = 0; i < durable.length; i++) {
            durable[i] = i < prepared ? 0 : durableAt(changes.get(i), model, sent, ended);
        }
        return durable;
    }

    private static long durableAt(Change change, DiskModel model, long[] sent, long[] ended) {
        // Of a discard nothing is promised: its range reads either way for ever.
        if (!change.succeeded() || change.operation() == Operation.DISCARD) {
            return Long.MAX_VALUE;
        }
        if (change.forcesUnitAccess() || model.cache() == DiskModel.Cache.NONE) {
            return change.answered();
        }
        int next = -Arrays.binarySearch(sent, change.answered()) - 1;
        return next < ended.length ? ended[next] : Long.MAX_VALUE;
    }
}
