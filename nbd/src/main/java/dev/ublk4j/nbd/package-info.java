/**
 * The protocol NBD: devices of the embedded driver for its clients, and a target that is a client.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.nbd.NbdServer}: make one, export targets by name,
 * listen. {@link dev.ublk4j.nbd.NbdTarget} is the other side, and has its own essay.
 *
 * <p><b>A client's way.</b> {@code Listener} accepts it and gives it a thread, on which the {@code
 * Handshake} speaks with it; a {@code TlsRelay} comes between where the client asks for TLS. When
 * it has chosen an export it moves to a queue of the export's device: a {@code Connection} of the
 * {@code QueueConnections}, which is the guest of the queue's thread.
 *
 * <p><b>A request's way.</b> {@code Intake} reads it, {@code RequestCheck} looks whether it can be
 * meant, an {@code Operation} takes it to the disk, and the {@code Outbox} sends the answer: all of
 * that on the queue's thread, together with the target, and with a copy only where the bytes arrive
 * or leave. {@code SlowPath} does on virtual threads what takes more than one request to the disk.
 *
 * <p><b>Threads.</b> {@link dev.ublk4j.nbd.NbdServer}: any, apart from queues' own.
 */
@NullMarked
package dev.ublk4j.nbd;

import org.jspecify.annotations.NullMarked;
