package dev.ublk4j.qcow2;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * The clusters of the tables of an image, which no data may lie in. An image says that itself, so
 * it need not be true: a guest's data would overwrite the tables. From any thread.
 */
final class MetadataClusters {
    /** In order. */
    private final long[] known;

    private final Set<Long> added = new HashSet<>();

    private MetadataClusters(long[] known) {
        this.known = known;
    }

    /**
     * {@return the clusters}
     *
     * @param numbers of the clusters, in any order
     * @throws DoubleUseException when one is there twice
     */
    static MetadataClusters of(long[] numbers) {
        long[] sorted = numbers.clone();
        Arrays.sort(sorted);
        for (int i = 1; i < sorted.length; i++) {
            if (sorted[i] == sorted[i - 1]) {
                throw new DoubleUseException(sorted[i]);
            }
        }
        return new MetadataClusters(sorted);
    }

    /** A cluster that two tables lie in. */
    static final class DoubleUseException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final long cluster;

        DoubleUseException(long cluster) {
            super("cluster " + cluster);
            this.cluster = cluster;
        }

        long cluster() {
            return cluster;
        }
    }

    boolean has(long cluster) {
        if (Arrays.binarySearch(known, cluster) >= 0) {
            return true;
        }
        synchronized (added) {
            return added.contains(cluster);
        }
    }

    void add(long cluster) {
        synchronized (added) {
            added.add(cluster);
        }
    }
}
