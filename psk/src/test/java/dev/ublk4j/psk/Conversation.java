package dev.ublk4j.psk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Two engines, and what is on its way between them. */
final class Conversation {
    private static final int ROOM = 1 << 20;

    final Side client;
    final Side server;

    /** What becomes of bytes on their way to the server. */
    UnaryOperator<byte[]> wire = bytes -> bytes;

    Conversation(SSLEngine client, SSLEngine server) {
        this.client = new Side(client);
        this.server = new Side(server);
    }

    /** One of them. */
    static final class Side {
        final SSLEngine engine;
        final List<Integer> flights = new ArrayList<>();
        ByteBuffer incoming = ByteBuffer.allocate(ROOM).flip();
        private final ByteBuffer plain = ByteBuffer.allocate(ROOM);
        @Nullable SSLException failure;
        boolean closed;

        Side(SSLEngine engine) {
            this.engine = engine;
        }

        boolean isDone() {
            return failure != null
                    || closed
                    || (engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING
                            && !engine.getSession().getProtocol().equals("NONE"));
        }

        /** {@return what it has to say} */
        byte[] say(byte[] text) {
            ByteBuffer source = ByteBuffer.wrap(text);
            ByteBuffer out = ByteBuffer.allocate(ROOM);
            try {
                do {
                    SSLEngineResult result = engine.wrap(source, out);
                    if (result.getStatus() == Status.CLOSED) {
                        closed = true;
                        break;
                    }
                } while (source.hasRemaining()
                        || engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP);
            } catch (SSLException e) {
                failure = failure == null ? e : failure;
            }
            byte[] said = new byte[out.flip().remaining()];
            out.get(said);
            if (said.length > 0) {
                flights.add(said.length);
            }
            return said;
        }

        /** Takes what the other says. */
        void hear(byte[] bytes) {
            incoming.compact().put(bytes).flip();
            try {
                while (true) {
                    for (Runnable task = engine.getDelegatedTask();
                            task != null;
                            task = engine.getDelegatedTask()) {
                        task.run();
                    }
                    if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
                        return;
                    }
                    SSLEngineResult result = engine.unwrap(incoming, plain);
                    if (result.getStatus() == Status.CLOSED) {
                        closed = true;
                        return;
                    }
                    if (result.getStatus() == Status.BUFFER_UNDERFLOW) {
                        return;
                    }
                }
            } catch (SSLException e) {
                failure = failure == null ? e : failure;
            }
        }

        /** {@return what it has understood} */
        byte[] heard() {
            byte[] all = new byte[plain.flip().remaining()];
            plain.get(all);
            plain.clear();
            return all;
        }
    }

    /** Lets both speak until nobody has anything to say. */
    Conversation run() throws SSLException {
        client.engine.beginHandshake();
        server.engine.beginHandshake();
        return exchange(new byte[0], new byte[0]);
    }

    /** Each says something, and what comes of it. */
    Conversation exchange(byte[] clientText, byte[] serverText) {
        byte[] fromClient = client.say(clientText);
        byte[] fromServer = serverText.length > 0 ? server.say(serverText) : serverText;
        for (int quiet = 0; quiet < 2; ) {
            quiet = fromClient.length + fromServer.length == 0 ? quiet + 1 : 0;
            server.hear(wire.apply(fromClient));
            client.hear(fromServer);
            fromServer = mayBeSaying(server);
            fromClient = mayBeSaying(client);
        }
        return this;
    }

    private static byte[] mayBeSaying(Side side) {
        return side.engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP
                ? side.say(new byte[0])
                : new byte[0];
    }
}
