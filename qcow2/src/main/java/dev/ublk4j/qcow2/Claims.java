package dev.ublk4j.qcow2;

import java.util.Map;
import java.util.TreeMap;

/**
 * The clusters of the disk that one request is about to place anew, and others must wait for. From
 * the threads of all queues; those that write where a cluster is have nothing to do with it.
 */
final class Claims {
    /** The first clusters of the ranges, and those behind their last. */
    private final TreeMap<Long, Long> ranges = new TreeMap<>();

    /** {@return whether the range is the caller's now, because it is nobody else's} */
    synchronized boolean claim(long from, long to) {
        Map.Entry<Long, Long> before = ranges.lowerEntry(to);
        if (before != null && before.getValue() > from) {
            return false;
        }
        ranges.put(from, to);
        return true;
    }

    synchronized void release(long from) {
        ranges.remove(from);
    }
}
