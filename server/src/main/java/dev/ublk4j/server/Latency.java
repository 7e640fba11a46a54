package dev.ublk4j.server;

/**
 * How long requests were with the server, sampled. A time is known to an eighth of itself.
 *
 * @param samples how many requests were timed
 * @param medianNanos half of them took no longer
 * @param p99Nanos 99 of 100 took no longer
 * @param maxNanos none took longer
 */
public record Latency(long samples, long medianNanos, long p99Nanos, long maxNanos) {
    /** Buckets from one power of two to the next. */
    private static final int STEPS = 8;

    private static final int STEP_BITS = 3;

    static final int BUCKETS = (Long.SIZE - STEP_BITS) * STEPS;

    /** {@return the bucket of a time} */
    static int bucket(long nanos) {
        long time = Math.max(nanos, 0);
        if (time < STEPS) {
            return (int) time;
        }
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(time);
        int step = (int) (time >>> (exponent - STEP_BITS)) & (STEPS - 1);
        return (exponent - STEP_BITS + 1) * STEPS + step;
    }

    /** {@return the longest time that falls into a bucket} */
    static long longest(int bucket) {
        if (bucket < STEPS) {
            return bucket;
        }
        int shift = bucket / STEPS - 1;
        return ((long) (STEPS + bucket % STEPS + 1) << shift) - 1;
    }

    /** {@return what the counts of all buckets come to} */
    static Latency of(long[] counts) {
        long samples = 0;
        for (long count : counts) {
            samples += count;
        }
        return new Latency(
                samples,
                quantile(counts, (samples + 1) / 2),
                quantile(counts, samples - samples / 100),
                quantile(counts, samples));
    }

    /** {@return the time that so many requests did not exceed} */
    private static long quantile(long[] counts, long requests) {
        long seen = 0;
        for (int bucket = 0; bucket < counts.length && requests > 0; bucket++) {
            seen += counts[bucket];
            if (seen >= requests) {
                return longest(bucket);
            }
        }
        return 0;
    }
}
