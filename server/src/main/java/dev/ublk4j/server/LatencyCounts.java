package dev.ublk4j.server;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * How long a queue's requests were with the server, from their descriptor to their answer. The
 * first requests of the queue are timed, and then one in {@link #INTERVAL}: the clock costs as much
 * as the rest of a request on machines where it is a system call.
 *
 * <p>Written by the queue's thread alone; the counts are read by any.
 */
final class LatencyCounts {
    /** So many requests are timed before sampling begins. */
    private static final int FIRST = 64;

    /**
     * Then one in so many. A prime: requests come in batches of powers of two, and every position
     * in a batch gets its turn.
     */
    private static final int INTERVAL = 251;

    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] counts = new long[Latency.BUCKETS];

    private int first = FIRST;

    /** How many requests pass before the next is timed. */
    private int untimed;

    /** {@return the time, if the request that was delivered now is one of those timed, else 0} */
    long begin() {
        if (untimed > 0) {
            untimed--;
            return 0;
        }
        if (first > 0) {
            first--;
        } else {
            untimed = INTERVAL - 1;
        }
        return System.nanoTime();
    }

    /**
     * Counts a request that has been answered.
     *
     * @param begun what {@link #begin} returned for it
     */
    void end(long begun) {
        if (begun != 0) {
            add(System.nanoTime() - begun);
        }
    }

    private void add(long nanos) {
        int bucket = Latency.bucket(nanos);
        COUNT.setOpaque(counts, bucket, counts[bucket] + 1);
    }

    void addTo(long[] sum) {
        for (int bucket = 0; bucket < counts.length; bucket++) {
            sum[bucket] += (long) COUNT.getOpaque(counts, bucket);
        }
    }
}
