package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Socket;
import java.io.EOFException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/**
 * Stands between a client that speaks TLS and a connection that does not: two threads, one for each
 * direction, and a pair of sockets.
 *
 * <p>Encrypting costs much more than passing the bytes on, so what serves clients need not know.
 */
final class TlsRelay {
    private static final System.Logger LOG = System.getLogger(TlsRelay.class.getName());

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Socket client;
    private final SSLEngine engine;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment in;
    private final ByteBuffer fromClient;
    private final MemorySegment out;
    private final ByteBuffer toClient;
    private final MemorySegment plainIn;
    private final ByteBuffer decrypted;
    private final MemorySegment plainOut;
    private final AtomicInteger directions = new AtomicInteger(2);

    private TlsRelay(Socket client, SSLEngine engine) {
        this.client = client;
        this.engine = engine;
        int packet = engine.getSession().getPacketBufferSize();
        int application = engine.getSession().getApplicationBufferSize();
        in = arena.allocate(2L * packet);
        fromClient = in.asByteBuffer().flip();
        out = arena.allocate(2L * packet);
        toClient = out.asByteBuffer();
        plainIn = arena.allocate(2L * application);
        decrypted = plainIn.asByteBuffer();
        plainOut = arena.allocate(application);
    }

    /**
     * Comes to an understanding with a client, and starts to relay.
     *
     * @param client belongs to the relay from now on, unless this fails
     * @param stream bounds the time
     * @return the other end, unencrypted
     */
    static Socket start(Socket client, SSLEngine engine, SocketStream stream) throws IOException {
        TlsRelay relay = new TlsRelay(client, engine);
        try {
            relay.shakeHands(stream);
            client.setPatience(Duration.ZERO);
        } catch (IOException | RuntimeException e) {
            relay.arena.close();
            throw e;
        }
        Socket[] pair = Socket.pair();
        Thread.ofPlatform().daemon().name("nbd-tls-in").start(() -> relay.decrypt(pair[1]));
        Thread.ofPlatform().daemon().name("nbd-tls-out").start(() -> relay.encrypt(pair[1]));
        return pair[0];
    }

    private void shakeHands(SocketStream stream) throws IOException {
        engine.beginHandshake();
        while (true) {
            HandshakeStatus status = engine.getHandshakeStatus();
            switch (status) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> {
                    stream.limitWait();
                    wrap(NOTHING);
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    SSLEngineResult result = engine.unwrap(fromClient, decrypted);
                    if (result.getStatus() == Status.BUFFER_UNDERFLOW) {
                        stream.limitWait();
                        if (stream.check("read", receive()) == 0) {
                            throw new EOFException("it has gone in its TLS handshake");
                        }
                    } else if (result.getStatus() == Status.CLOSED) {
                        throw new EOFException("it has ended its TLS handshake");
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    return;
                }
            }
        }
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask();
                task != null;
                task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    /** {@return how many bytes have come from the client, or what {@link Socket#read} answers} */
    private int receive() {
        fromClient.compact();
        int answer = client.read(in.asSlice(fromClient.position(), fromClient.remaining()));
        if (answer > 0) {
            fromClient.position(fromClient.position() + answer);
        }
        fromClient.flip();
        return answer;
    }

    /** Encrypts all of it, and sends that. */
    private void wrap(ByteBuffer plain) throws IOException {
        synchronized (toClient) {
            do {
                toClient.clear();
                SSLEngineResult result = engine.wrap(plain, toClient);
                writeAll(client, out, toClient.position());
                if (result.getStatus() == Status.CLOSED) {
                    return;
                }
            } while (plain.hasRemaining());
        }
    }

    private static void writeAll(Socket socket, MemorySegment bytes, int count) throws IOException {
        int done = 0;
        while (done < count) {
            int answer = socket.write(bytes.asSlice(done, count - done));
            if (answer <= 0) {
                throw new IOException(Errno.of(answer).text());
            }
            done += answer;
        }
    }

    private void decrypt(Socket inner) {
        try {
            boolean open = pass(inner);
            while (open && receive() > 0) {
                open = pass(inner);
            }
        } catch (IOException e) {
            LOG.log(e instanceof SSLException ? Level.WARNING : Level.DEBUG, client::toString, e);
        } finally {
            ended(inner);
        }
    }

    /** Passes on what is there; answers whether more may come. */
    private boolean pass(Socket inner) throws IOException {
        while (true) {
            SSLEngineResult result = engine.unwrap(fromClient, decrypted);
            writeAll(inner, plainIn, decrypted.position());
            decrypted.clear();
            runTasks();
            if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
                // The client wants other keys, or to close.
                wrap(NOTHING);
            }
            switch (result.getStatus()) {
                case BUFFER_UNDERFLOW -> {
                    return true;
                }
                case CLOSED -> {
                    return false;
                }
                case OK, BUFFER_OVERFLOW -> {
                    if (!fromClient.hasRemaining()) {
                        return true;
                    }
                }
            }
        }
    }

    private void encrypt(Socket inner) {
        try {
            for (int read = inner.read(plainOut); read > 0; read = inner.read(plainOut)) {
                wrap(plainOut.asSlice(0, read).asByteBuffer());
            }
            engine.closeOutbound();
            wrap(NOTHING);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, client::toString, e);
        } finally {
            ended(inner);
        }
    }

    /** One direction has ended, which ends the other. */
    private void ended(Socket inner) {
        inner.shutdown();
        client.shutdown();
        if (directions.decrementAndGet() == 0) {
            inner.close();
            client.close();
            arena.close();
        }
    }
}
