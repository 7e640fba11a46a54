package dev.ublk4j.nbd;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.socket.Socket;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A handshake over a socket, all of which must be over at a certain time: who sends a byte now and
 * then gets no more of it than who sends none.
 */
final class SocketStream implements HandshakeStream, AutoCloseable {
    private static final int BUFFER = 64 << 10;

    private final Tls tls;
    private final Threads threads;
    private final Runnable onRelayEnd;
    private final Duration patience;
    private final Deadline deadline;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer = arena.allocate(BUFFER);
    private final Socket client;
    private Socket socket;
    private @Nullable TlsRelay relay;
    private boolean handedOver;

    /**
     * Takes a socket, which stays the caller's unless there {@linkplain #isRelayed is a relay}.
     *
     * @param patience from now on, for all of the handshake
     * @param onRelayEnd told when a relay has ended, and has closed the socket
     */
    SocketStream(Socket socket, Tls tls, Duration patience, Threads threads, Runnable onRelayEnd) {
        this.client = socket;
        this.socket = socket;
        this.tls = tls;
        this.threads = threads;
        this.onRelayEnd = onRelayEnd;
        this.patience = patience;
        this.deadline = Deadline.in(patience);
    }

    @Override
    public byte[] read(int bytes) throws IOException {
        byte[] all = new byte[bytes];
        int done = 0;
        while (done < bytes) {
            limitWait();
            MemorySegment part = buffer.asSlice(0, Math.min(bytes - done, BUFFER));
            int answer = check("read", socket.read(part));
            if (answer == 0) {
                throw new EOFException("it disconnected");
            }
            MemorySegment.copy(buffer, JAVA_BYTE, 0, all, done, answer);
            done += answer;
        }
        return all;
    }

    @Override
    public void write(byte[] bytes) throws IOException {
        int done = 0;
        while (done < bytes.length) {
            int part = Math.min(bytes.length - done, BUFFER);
            MemorySegment.copy(bytes, done, buffer, JAVA_BYTE, 0, part);
            limitWait();
            done += check("write", socket.write(buffer.asSlice(0, part)));
        }
    }

    /** Bounds the next wait of the socket by what is left of the time. */
    void limitWait() throws IOException {
        long left = deadline.leftNanos();
        // A patience of 0 would be none at all.
        if (left < 1000) {
            throw late();
        }
        socket.setPatience(Duration.ofNanos(left));
    }

    private SocketTimeoutException late() {
        return new SocketTimeoutException(
                "its handshake took longer than " + patience.toSeconds() + " s");
    }

    /** {@return an answer that is none of an error} */
    int check(String call, int answer) throws IOException {
        if (answer == Errno.EAGAIN.negated()) {
            throw late();
        }
        if (answer == Errno.EPIPE.negated() || answer == Errno.ECONNRESET.negated()) {
            throw new EOFException("it disconnected");
        }
        if (answer < 0) {
            throw new IOException(call + " failed with " + Errno.of(answer).text());
        }
        return answer;
    }

    @Override
    public void startTls() throws IOException {
        relay = new TlsRelay(client, tls.engine(), onRelayEnd);
        socket = relay.start(this, threads);
    }

    /** {@return whether a relay has the client's socket now, and closes it} */
    boolean isRelayed() {
        return relay != null && relay.isStarted();
    }

    /** {@return the way to go on, without a limit to its waits} */
    Link handOver() {
        socket.setPatience(Duration.ZERO);
        handedOver = true;
        return new Link(socket, relay);
    }

    /** Ends the handshake, and the relay with it where that is not handed over. */
    @Override
    public void close() {
        arena.close();
        if (!handedOver && socket != client) {
            socket.close();
        }
        if (!handedOver && relay != null) {
            relay.cut();
        }
    }
}
