/**
 * Serves a disk over vhost-user: the protocol by which QEMU, libblkio and others hand a virtio-blk
 * device's queues, and the memory that its requests lie in, to another process.
 *
 * <p><b>Where to start.</b> {@link dev.ublk4j.vhostuser.VhostUserExport} serves a target at a
 * socket:
 *
 * {@snippet :
 * try (VhostUserExport export =
 *         VhostUserExport.start(target, options, VhostUserOptions.at(path))) {
 *     export.awaitStop();
 * }
 * }
 *
 * <p><b>The parts.</b> {@code Session} is one client's connection: it reads messages and answers
 * them. {@code RegionTable} maps what the client shares and registers it with the device, as {@code
 * REG_BUF} does with the kernel's driver; {@code RingTable} holds what the client has said of its
 * queues, and starts and stops them. What carries requests is in {@code ring} and {@code blk}, on
 * the device's own queue threads.
 *
 * <p><b>Threads.</b> One thread accepts clients, one at a time, and does all that they ask for.
 *
 * <p><b>Trust.</b> None: whatever a client sends, or writes into its memory, can fail its requests
 * or end its connection and nothing else. The one exception is memory that it can take away, as
 * {@link dev.ublk4j.vhostuser.VhostUserOptions#sealedOnly} says.
 */
@NullMarked
package dev.ublk4j.vhostuser;

import org.jspecify.annotations.NullMarked;
