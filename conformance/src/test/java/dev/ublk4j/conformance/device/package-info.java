/**
 * A server that speaks to a driver in raw commands and does exactly what a test tells it to.
 *
 * <p>{@link dev.ublk4j.conformance.device.TestDevice} is a device in any state, {@link
 * dev.ublk4j.conformance.device.QueueLoop} the thread that serves one of its queues, {@link
 * dev.ublk4j.conformance.device.RawControl} sends control commands that no sane server would send.
 */
@NullMarked
package dev.ublk4j.conformance.device;

import org.jspecify.annotations.NullMarked;
