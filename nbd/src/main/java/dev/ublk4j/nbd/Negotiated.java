package dev.ublk4j.nbd;

import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.nbd.wire.ReplyHeader;
import java.util.List;

/**
 * What a client has chosen in the handshake.
 *
 * @param export what it uses from now on
 * @param replies how it is answered
 * @param contexts what a block status is to tell it; without any it may not ask for one
 */
record Negotiated(NbdExport export, ReplyHeader replies, List<MetaContext> contexts) {}
