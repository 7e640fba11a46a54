/**
 * What zero copy gains, by the size of a request.
 *
 * <p>{@link dev.ublk4j.bench.curve.CurveRun} measures, as root on a kernel with ublk, and writes
 * one {@link dev.ublk4j.bench.curve.Point} a line; {@link dev.ublk4j.bench.curve.CurvePage} makes a
 * page with tables and {@link dev.ublk4j.bench.curve.Chart}s of them, anywhere. {@code ./bench
 * shmem} does both.
 */
@NullMarked
package dev.ublk4j.bench.curve;

import org.jspecify.annotations.NullMarked;
