/**
 * Random sequences of control commands and requests, on both drivers at once or on the embedded one
 * alone.
 *
 * <p>A {@link dev.ublk4j.conformance.fuzz.Step} is one operation with all its numbers; {@link
 * dev.ublk4j.conformance.fuzz.RandomSteps} makes them up. A {@link
 * dev.ublk4j.conformance.fuzz.World} is a driver and the few devices that the steps work on, each a
 * {@link dev.ublk4j.conformance.fuzz.Served}. A step tells in one line what came of it, and two
 * drivers that keep the same rules make the same lines.
 */
@NullMarked
package dev.ublk4j.conformance.fuzz;

import org.jspecify.annotations.NullMarked;
