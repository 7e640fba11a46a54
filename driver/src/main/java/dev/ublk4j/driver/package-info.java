/**
 * The seam between a server and a ublk driver, in the kernel's own terms and nothing else.
 *
 * <p><b>What it is.</b> A {@link dev.ublk4j.driver.Driver} takes control commands, which are a
 * number, a 32-byte structure and an optional buffer, and returns an int for each. It opens {@link
 * dev.ublk4j.driver.spi.CharDevice}s, which map the descriptors of a queue. A queue thread speaks
 * to its device over a {@link dev.ublk4j.driver.spi.QueueRing}: io commands go in, and their
 * completions arrive where the thread waits for its backend I/O too.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.driver.control.Control} gives every control command a
 * typed method; it works over any driver.
 *
 * <p><b>Threads.</b> Drivers and char devices may be shared. A queue ring belongs to the thread
 * that opened it.
 */
@NullMarked
package dev.ublk4j.driver;

import org.jspecify.annotations.NullMarked;
