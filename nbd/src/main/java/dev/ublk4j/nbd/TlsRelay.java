package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.Complaint;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.linux.socket.Socket;
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
import org.jspecify.annotations.Nullable;

/**
 * Stands between a client that speaks TLS and a connection that does not: two threads, one for each
 * direction, and a pair of sockets.
 *
 * <p>Encrypting costs much more than passing the bytes on, so what serves clients need not know.
 */
final class TlsRelay {
    private static final System.Logger LOG = System.getLogger(TlsRelay.class.getName());
    private static final QuietLog DROPS = new QuietLog(LOG);
    private static final QuietLog FAILURES = new QuietLog(LOG);

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
    private final Runnable onEnd;
    private @Nullable SocketStream handshake;
    private final Progress lingering = new Progress();
    private volatile boolean started;

    /** Nobody speaks to the client any more. */
    private volatile boolean letGo;

    /**
     * Makes one that has not started.
     *
     * @param client belongs to the relay once it {@linkplain #isStarted has started}
     * @param onEnd told when it has ended, once it has started
     */
    TlsRelay(Socket client, SSLEngine engine, Runnable onEnd) {
        this.client = client;
        this.engine = engine;
        this.onEnd = onEnd;
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
     * Comes to an understanding with the client, and starts to relay.
     *
     * @param stream bounds the time
     * @return the other end, unencrypted
     */
    Socket start(SocketStream stream, Threads threads) throws IOException {
        Socket[] pair;
        try {
            shakeHandsOrSayWhyNot(stream);
            client.setPatience(Duration.ZERO);
            pair = Socket.pair();
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
        Socket inner = pair[1];
        try {
            threads.start("nbd-tls-in", () -> relay(inner, this::decrypt));
            started = true;
            threads.start("nbd-tls-out", () -> relay(inner, this::encrypt));
            return pair[0];
        } catch (Throwable e) {
            pair[0].close();
            if (started) {
                ended(inner);
            } else {
                inner.close();
                arena.close();
            }
            throw e;
        }
    }

    /** {@return whether the client's socket is the relay's} */
    boolean isStarted() {
        return started;
    }

    /** Ends it at once. */
    void cut() {
        if (started) {
            client.shutdown();
        }
    }

    /** Ends it when what is left has been sent, and when the client does not take that. */
    void letGo() {
        letGo = true;
    }

    boolean isEnded() {
        return directions.get() == 0;
    }

    /** Looks whether it ends. */
    void tick() {
        if (lingering.isMissing(letGo, 0)) {
            cut();
        }
    }

    private void shakeHandsOrSayWhyNot(SocketStream stream) throws IOException {
        try {
            shakeHands(stream);
        } catch (SSLException e) {
            try {
                // The engine has an alert for the client.
                wrap(NOTHING);
            } catch (IOException unsaid) {
                e.addSuppressed(unsaid);
            }
            throw e;
        }
    }

    private void shakeHands(SocketStream stream) throws IOException {
        handshake = stream;
        engine.beginHandshake();
        while (true) {
            HandshakeStatus status = engine.getHandshakeStatus();
            switch (status) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> {
                    wrap(NOTHING);
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    SSLEngineResult result = engine.unwrap(fromClient, decrypted);
                    if (result.getStatus() == Status.BUFFER_UNDERFLOW) {
                        stream.limitWait();
                        if (stream.check("read", receive()) == 0) {
                            throw new EOFException("it disconnected in its TLS handshake");
                        }
                    } else if (result.getStatus() == Status.CLOSED) {
                        throw new EOFException("it ended its TLS handshake");
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    handshake = null;
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
                writeAll(client, out, toClient.position(), handshake);
                if (result.getStatus() == Status.CLOSED) {
                    return;
                }
            } while (plain.hasRemaining());
        }
    }

    private static void writeAll(
            Socket socket, MemorySegment bytes, int count, @Nullable SocketStream limit)
            throws IOException {
        int done = 0;
        while (done < count) {
            if (limit != null) {
                limit.limitWait();
            }
            int answer = socket.write(bytes.asSlice(done, count - done));
            if (limit != null) {
                answer = limit.check("write", answer);
            }
            if (answer <= 0) {
                throw new IOException(Errno.of(answer).text());
            }
            done += answer;
        }
    }

    /** A direction. */
    private interface Direction {
        void run(Socket inner) throws IOException;
    }

    private void relay(Socket inner, Direction direction) {
        try {
            direction.run(inner);
        } catch (SSLException e) {
            DROPS.log(Level.WARNING, () -> "%s: %s".formatted(client, Tls.reason(e)));
        } catch (IOException e) {
            Complaint.log(LOG, Level.DEBUG, "%s: %s".formatted(client, e.getMessage()), null);
        } catch (Throwable e) {
            FAILURES.log(Level.ERROR, () -> client + ": encryption has failed", e);
        } finally {
            ended(inner);
        }
    }

    private void decrypt(Socket inner) throws IOException {
        boolean open = pass(inner);
        while (open && receive() > 0) {
            open = pass(inner);
        }
    }

    /** Passes on what is there; answers whether more may come. */
    private boolean pass(Socket inner) throws IOException {
        while (true) {
            SSLEngineResult result = engine.unwrap(fromClient, decrypted);
            writeAll(inner, plainIn, decrypted.position(), null);
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

    private void encrypt(Socket inner) throws IOException {
        for (int read = inner.read(plainOut); read > 0; read = inner.read(plainOut)) {
            wrap(plainOut.asSlice(0, read).asByteBuffer());
        }
        engine.closeOutbound();
        wrap(NOTHING);
    }

    /** One direction has ended, which ends the other. */
    private void ended(Socket inner) {
        inner.shutdown();
        client.shutdown();
        if (directions.decrementAndGet() == 0) {
            inner.close();
            client.close();
            arena.close();
            onEnd.run();
        }
    }
}
