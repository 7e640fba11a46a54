/**
 * The virtio-blk device: what its requests mean, and a queue's thread that serves them.
 *
 * <p>{@link dev.ublk4j.vhostuser.blk.BlkQueue} shares the thread of one of the device's queues. It
 * takes requests off a virtqueue, hands each to the disk in a {@code BlkSlot} of its own, and puts
 * the answers back; driver, server and target run between the two, on the same thread.
 */
@NullMarked
package dev.ublk4j.vhostuser.blk;

import org.jspecify.annotations.NullMarked;
