package dev.ublk4j.psk;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Our side of a connection: what it is for, and what it has come to. */
interface Peer {
    /** {@return what has been agreed on, null before the end of the handshake} */
    @Nullable Agreed agreed();

    /** {@return why the handshake has failed, for people} */
    String reason(IOException thrown);
}
