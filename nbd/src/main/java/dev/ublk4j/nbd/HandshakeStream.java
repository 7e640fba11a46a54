package dev.ublk4j.nbd;

import java.io.IOException;

/** The bytes of a handshake, one way and the other. */
interface HandshakeStream {
    /**
     * {@return so many bytes}
     *
     * @throws java.io.EOFException when the client has gone
     * @throws IOException when it takes too long, or its socket fails
     */
    byte[] read(int bytes) throws IOException;

    /**
     * Sends bytes.
     *
     * @throws IOException when the client does not take them
     */
    void write(byte[] bytes) throws IOException;

    /**
     * Goes on encrypted.
     *
     * @throws IOException when the client and the server do not come to an understanding
     */
    void startTls() throws IOException;
}
