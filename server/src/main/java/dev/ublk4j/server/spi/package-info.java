/**
 * What shares the threads of a device's queues: the side of the server that serves clients of other
 * protocols.
 *
 * <p>A device has guests where its target has the ability {@link
 * dev.ublk4j.server.spi.QueueGuests}. Authors of targets need nothing of this.
 */
@NullMarked
package dev.ublk4j.server.spi;

import org.jspecify.annotations.NullMarked;
