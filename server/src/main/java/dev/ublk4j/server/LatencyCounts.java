package dev.ublk4j.server;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * How long a queue's requests were with the server, from their descriptor to their answer. A tag's
 * first request is timed, and then one in {@link #SAMPLE}: the clock is out of the way of the
 * others.
 *
 * <p>Written by the queue's thread alone, read by any.
 */
final class LatencyCounts {
    /** One in this many requests of a tag is timed; a power of two. */
    static final int SAMPLE = 16;

    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] counts = new long[Latency.BUCKETS];

    /** {@return whether a request is one of those that are timed} */
    static boolean samples(long requestId) {
        return (RequestId.generation(requestId) & (SAMPLE - 1)) == 1;
    }

    void add(long nanos) {
        int bucket = Latency.bucket(nanos);
        COUNT.setOpaque(counts, bucket, counts[bucket] + 1);
    }

    void addTo(long[] sum) {
        for (int bucket = 0; bucket < counts.length; bucket++) {
            sum[bucket] += (long) COUNT.getOpaque(counts, bucket);
        }
    }
}
