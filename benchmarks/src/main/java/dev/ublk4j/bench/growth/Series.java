package dev.ublk4j.bench.growth;

import java.util.List;

/**
 * What one cost is like while one thing grows.
 *
 * @param grows what grows
 * @param unit of the costs
 * @param counts of what grows, rising
 * @param costs one for each count
 * @param notes one for each count, may be empty
 */
record Series(
        String grows, String unit, List<Long> counts, List<Double> costs, List<String> notes) {}
