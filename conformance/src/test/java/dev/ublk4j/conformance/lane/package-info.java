/**
 * What the suite runs on: a driver, and the way an application does I/O on its devices.
 *
 * <p>{@link dev.ublk4j.conformance.lane.Lane} is the whole of it. Rules are written against it and
 * cannot tell which lane they run on: {@link dev.ublk4j.conformance.lane.KernelLane} is the driver
 * of the running kernel and its block devices, {@link dev.ublk4j.conformance.lane.EmbeddedLane} the
 * driver in this process and its disks.
 */
@NullMarked
package dev.ublk4j.conformance.lane;

import org.jspecify.annotations.NullMarked;
