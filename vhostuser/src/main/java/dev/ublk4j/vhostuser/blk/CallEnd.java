package dev.ublk4j.vhostuser.blk;

import dev.ublk4j.linux.Fd;

/**
 * What a client is called with.
 *
 * @param fd its descriptor
 * @param isSocket whether it is a socket, which takes a message for each call, rather than an event
 *     counter
 */
public record CallEnd(Fd fd, boolean isSocket) implements AutoCloseable {
    @Override
    public void close() {
        fd.close();
    }
}
