package dev.ublk4j.nbd;

import dev.ublk4j.linux.socket.Socket;
import org.jspecify.annotations.Nullable;

/**
 * The way to a client in transmission.
 *
 * @param socket where its requests come from and its replies go to
 * @param relay what encrypts between that and the client, null where nothing does
 */
record Link(Socket socket, @Nullable TlsRelay relay) {
    /** Ends both directions at once, which wakes whoever waits for one of them. */
    void cut() {
        socket.shutdown();
        if (relay != null) {
            relay.cut();
        }
    }

    /** Closes the socket; what has been sent still reaches a client that reads it. */
    void close() {
        socket.shutdown();
        socket.close();
        if (relay != null) {
            relay.letGo();
        }
    }
}
