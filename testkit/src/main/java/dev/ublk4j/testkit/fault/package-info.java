/**
 * What goes wrong on purpose, at the seam between a server and its driver.
 *
 * <p><b>What it is.</b> A {@link dev.ublk4j.testkit.fault.FaultyDriver} passes everything on to
 * another driver apart from what {@link dev.ublk4j.testkit.fault.Faults} has been told to spoil:
 * I/O that a target does on its queue's ring fails, comes back short, late or in another order; the
 * server dies in the middle of its requests; a control command is refused. A target and its server
 * run as they always do.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.testkit.fault.Faults}: {@code faults.writes().nth(2)
 * .fail(Errno.EIO)}.
 *
 * <p><b>What it cannot see.</b> I/O that a target does elsewhere than on the queue's ring, and I/O
 * that it submits itself before the queue does. The latter is noticed and ends the queue.
 *
 * <p><b>Threads.</b> Any thread sets faults and lets go of what is held. They strike on the queues'
 * threads. Nothing here is on the way of a driver that has not been wrapped.
 */
@NullMarked
package dev.ublk4j.testkit.fault;

import org.jspecify.annotations.NullMarked;
