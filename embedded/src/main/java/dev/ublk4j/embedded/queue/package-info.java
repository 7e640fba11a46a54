/**
 * The driver's side of a device's queues: brings requests to the server and its results back.
 *
 * <p><b>What it is.</b> A {@link dev.ublk4j.embedded.queue.UblkQueue} takes the requests of the
 * block layer and hands each to the {@link dev.ublk4j.embedded.queue.EmbeddedQueueRing} that has
 * fetched its tag; there {@code RequestDispatch} matches, copies and describes it. The server's
 * commands come over the ring, and {@code RingCommands} carries them out. What is known of a tag is
 * in its {@link dev.ublk4j.embedded.queue.IoSlot}.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.embedded.queue.QueueSet}, which has the queues of a
 * device; {@link dev.ublk4j.embedded.queue.RingOwner} is all that this package knows of who opens
 * rings.
 *
 * <p><b>Threads.</b> Requests come from any thread. A queue's tags are changed only by the thread
 * that fetched them, without a lock and without allocating.
 */
@NullMarked
package dev.ublk4j.embedded.queue;

import org.jspecify.annotations.NullMarked;
