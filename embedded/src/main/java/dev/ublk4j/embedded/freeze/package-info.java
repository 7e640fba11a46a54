/**
 * Stops a device's requests, and lets them go on.
 *
 * <p><b>What it is.</b> A device has one {@link dev.ublk4j.embedded.freeze.FreezeGate}. A request
 * enters the gate of its queue before it takes a tag and exits when its client has been answered. A
 * freeze shuts the gate and waits until everyone has left; what the device's requests look at (the
 * table of registered buffers, the size) may then be changed without a lock.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.freeze.FreezeGate#tryEnter} and {@link
 * dev.ublk4j.embedded.freeze.FreezeGate#freeze}. Who is turned away keeps its request and hears
 * from the {@link dev.ublk4j.embedded.freeze.GateListener} when to come back.
 *
 * <p><b>Threads.</b> Any thread enters and exits, without a lock and without allocating. Any thread
 * may freeze; one that completes requests says so, as it cannot wait for its own.
 */
@NullMarked
package dev.ublk4j.embedded.freeze;

import org.jspecify.annotations.NullMarked;
