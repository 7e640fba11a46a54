package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The clusters of an image that hold nothing: those that are reserved for what is written next, and
 * those that have been given up. Of the allocator's thread, but for {@link #take} and {@link
 * #giveBack}.
 */
final class Space {
    private static final System.Logger LOG = System.getLogger(Space.class.getName());

    /** Of a reserved cluster: it reads as zeroes, and did so when the image was opened. */
    private static final long FRESH = 1;

    private static final long FIRST_BYTES = 1 << 20;
    private static final long MOST_BYTES = 64 << 20;
    private static final int FEWEST = 8;

    private final MetadataFile file;
    private final Refcounts refcounts;
    private final GracePeriod grace;
    private final int clusterBits;
    private long nextBytes = FIRST_BYTES;

    /** Where free clusters are looked for. */
    private long hint = 1;

    /** No cluster from here on has been used. */
    private long unused;

    /** Reserved clusters: where they are, and whether they are fresh; guarded by itself. */
    private final ArrayDeque<Long> reserved = new ArrayDeque<>();

    private final ArrayDeque<Retired> retired = new ArrayDeque<>();

    /** What an entry referred to, and since when it does not. */
    private record Retired(long first, long count, int since) {}

    Space(MetadataFile file, Header header, Refcounts refcounts, GracePeriod grace) {
        this.file = file;
        this.refcounts = refcounts;
        this.grace = grace;
        this.clusterBits = header.clusterBits();
        this.unused = Math.ceilDiv(file.length(), 1L << clusterBits);
    }

    /** {@return a cluster that is the caller's, or -1 where the allocator has to make some} */
    long take() {
        synchronized (reserved) {
            Long first = reserved.pollFirst();
            return first == null ? -1 : first;
        }
    }

    /** {@return whether a cluster that was taken reads as zeroes, and will after a crash} */
    static boolean isFresh(long taken) {
        return (taken & FRESH) != 0;
    }

    /** Takes a cluster back that nothing refers to. */
    void giveBack(long taken) {
        synchronized (reserved) {
            reserved.addLast(Layout.offset(taken));
        }
    }

    long takeNow() {
        long taken = take();
        while (taken < 0) {
            refill();
            taken = take();
        }
        return taken;
    }

    /** Reserves clusters, unless there are some; they are counted as used, durably. */
    void refill() {
        synchronized (reserved) {
            if (!reserved.isEmpty()) {
                return;
            }
        }
        List<Long> found = new ArrayList<>();
        try {
            find(found);
            file.provide((found.getLast() + 1) << clusterBits);
            refcounts.write();
            file.sync();
        } catch (Throwable e) {
            found.forEach(each -> refcounts.set(each, 0));
            throw e;
        }
        synchronized (reserved) {
            for (long each : found) {
                boolean fresh = each >= unused && file.canGrow();
                reserved.addLast(each << clusterBits | (fresh ? FRESH : 0));
            }
        }
        unused = Math.max(unused, found.getLast() + 1);
        nextBytes = Math.min(2 * nextBytes, MOST_BYTES);
    }

    private void find(List<Long> found) {
        long wanted = Math.max(FEWEST, nextBytes >>> clusterBits);
        while (found.size() < wanted) {
            long cluster = refcounts.findFree(hint, this::retire);
            if (!file.canGrow() && (cluster + 1) << clusterBits > file.length()) {
                if (found.isEmpty()) {
                    throw new LinuxException(
                            "write", file.path().toString(), Errno.ENOSPC.negated());
                }
                return;
            }
            refcounts.set(cluster, 1);
            found.add(cluster);
            hint = cluster + 1;
        }
    }

    /** Notes that an entry of the mapping does not refer any more to what it did. */
    void retire(long entry) {
        if (Layout.isCompressed(entry)) {
            long first = Layout.compressedOffset(entry, clusterBits);
            long last = first + Layout.compressedBytes(entry, clusterBits) - 1;
            retire(first >>> clusterBits, (last >>> clusterBits) - (first >>> clusterBits) + 1);
        } else if (Layout.offset(entry) != 0) {
            retire(Layout.offset(entry) >>> clusterBits, 1);
        }
    }

    private void retire(long first, long count) {
        retired.addLast(new Retired(first, count, grace.now()));
    }

    boolean hasRetired() {
        return !retired.isEmpty();
    }

    /** Frees what nobody may be at any more, once it is durable that nothing refers to it. */
    void settle() {
        if (retired.isEmpty()) {
            return;
        }
        grace.advance();
        grace.advance();
        if (!grace.isOver(retired.getFirst().since)) {
            return;
        }
        file.sync();
        List<Long> free = new ArrayList<>();
        while (!retired.isEmpty() && grace.isOver(retired.getFirst().since)) {
            Retired some = retired.removeFirst();
            for (long each = some.first; each < some.first + some.count; each++) {
                release(each, free);
            }
        }
        refcounts.write();
        for (long each : free) {
            file.punch(each << clusterBits, 1L << clusterBits);
            hint = Math.min(hint, each);
        }
    }

    private void release(long cluster, List<Long> free) {
        long count = refcounts.get(cluster);
        if (count == 0) {
            LOG.log(
                    Level.WARNING,
                    () ->
                            "%s: cluster %d was counted as free, and was not"
                                    .formatted(file.path(), cluster));
            return;
        }
        refcounts.set(cluster, count - 1);
        if (count == 1) {
            free.add(cluster);
        }
    }

    /** Gives everything back, when no queue is left. */
    void close() {
        List<Long> left = new ArrayList<>();
        for (long taken = take(); taken >= 0; taken = take()) {
            left.add(Layout.offset(taken) >>> clusterBits);
        }
        left.forEach(each -> refcounts.set(each, 0));
        settle();
        refcounts.write();
        long end = Math.ceilDiv(file.length(), 1L << clusterBits);
        while (end > 1 && left.contains(end - 1)) {
            end--;
        }
        file.cut(end << clusterBits);
        file.sync();
    }
}
