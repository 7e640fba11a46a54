/**
 * Benchmarks, run by {@code ./bench}.
 *
 * <p>{@link dev.ublk4j.bench.LookUpBenchmark} and {@link dev.ublk4j.bench.RegistrationBenchmark}
 * measure the range table beside the maps that one would take otherwise; {@link
 * dev.ublk4j.bench.EmbeddedRequestBenchmark} measures what one request of the embedded driver
 * costs.
 */
@NullMarked
package dev.ublk4j.bench;

import org.jspecify.annotations.NullMarked;
