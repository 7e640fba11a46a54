/**
 * Virtqueues over a client's memory, as virtio 1.2 describes them, seen from the device.
 *
 * <p>{@link dev.ublk4j.vhostuser.ring.GuestMemory} finds the client's addresses in this process;
 * {@link dev.ublk4j.vhostuser.ring.Vring} takes requests off a queue and puts answers on it; {@link
 * dev.ublk4j.vhostuser.ring.DescriptorChain} is one request's memory.
 *
 * <p>Everything read here was written by the client, perhaps a moment ago: each value is read once,
 * checked, and only then used. What cannot be right is a {@link
 * dev.ublk4j.vhostuser.ring.BadRingException}, after which a ring must not be used any more. One
 * thread at a time uses a ring; nothing here allocates while it runs.
 */
@NullMarked
package dev.ublk4j.vhostuser.ring;

import org.jspecify.annotations.NullMarked;
