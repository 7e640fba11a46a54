/**
 * The numbers of the NBD protocol, as its document {@code proto.md} gives them, and the layouts of
 * its messages. Everything on the wire is big-endian.
 *
 * <p>{@link dev.ublk4j.nbd.wire.RequestHeader} reads what a client asks, {@link
 * dev.ublk4j.nbd.wire.ReplyHeader} writes what it is answered; the rest are numbers.
 */
@NullMarked
package dev.ublk4j.nbd.wire;

import org.jspecify.annotations.NullMarked;
