package dev.ublk4j.nbd;

import dev.ublk4j.nbd.wire.ReplyHeader;

/**
 * What a client has chosen in the handshake.
 *
 * @param export what it uses from now on
 * @param replies how it is answered
 * @param allocation whether it may ask for the block status
 */
record Negotiated(NbdExport export, ReplyHeader replies, boolean allocation) {}
