/**
 * Supports the tests of any module: trials of a structure against a model, and a look at what a
 * test has left open.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.trials.Ops} runs random sequences of operations and
 * tells the shortest that fails; {@link dev.ublk4j.trials.Leaks} compares what the process has open
 * before and after.
 *
 * <p><b>Threads.</b> Each call is for the thread that makes it; other threads may go on meanwhile.
 */
@NullMarked
package dev.ublk4j.trials;

import org.jspecify.annotations.NullMarked;
