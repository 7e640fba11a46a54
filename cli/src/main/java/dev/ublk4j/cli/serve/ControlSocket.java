package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.AcceptLoop;
import dev.ublk4j.linux.socket.UnixListener;
import dev.ublk4j.linux.socket.UnixSocket;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Where the server of a device answers commands of the same user: one line of JSON comes in, one
 * goes out, and the connection ends.
 *
 * <p>A client that is silent or slow is hung up on after a few seconds, and holds up nobody but
 * those who are one too many with it.
 */
public final class ControlSocket implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ControlSocket.class.getName());

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** How long an answer may be worked on: a resize waits for the file system. */
    static final Duration ANSWER_PATIENCE = Duration.ofSeconds(30);

    private static final int MAX_CONNECTIONS = 16;
    private static final int MAX_LINE = 64 * 1024;
    private static final int OWNER_ONLY = 0600;

    private final UnixListener listener;
    private final EventFd stop = EventFd.nonBlocking();
    private final Thread acceptor;
    private final UnaryOperator<String> answerer;
    private final Semaphore free = new Semaphore(MAX_CONNECTIONS);

    private ControlSocket(UnixListener listener, UnaryOperator<String> answerer) {
        this.listener = listener;
        this.answerer = answerer;
        this.acceptor =
                Thread.ofPlatform()
                        .daemon()
                        .name("control")
                        .unstarted(new AcceptLoop<>(listener, stop.fd(), this::admit));
    }

    /**
     * Begins to listen.
     *
     * @param path where, in place of what a server that is gone has left
     * @param answerer makes an answer of a request; several at a time. What it throws is answered
     *     as an error
     * @throws LinuxException {@code EADDRINUSE} where another server listens, or something is that
     *     is no socket
     */
    public static ControlSocket open(Path path, UnaryOperator<String> answerer) {
        UnixListener listener = UnixListener.open(path, MAX_CONNECTIONS, OWNER_ONLY);
        try {
            ControlSocket socket = new ControlSocket(listener, answerer);
            socket.acceptor.start();
            return socket;
        } catch (Throwable e) {
            listener.close();
            throw e;
        }
    }

    private void admit(UnixSocket client) {
        try {
            free.acquire();
        } catch (InterruptedException e) {
            // It is being closed, and the client with it.
            client.close();
            return;
        }
        try {
            Thread.ofPlatform().daemon().name("control-client").start(() -> serve(client));
        } catch (Throwable e) {
            free.release();
            throw e;
        }
    }

    private void serve(UnixSocket client) {
        try (MessageStream stream = new MessageStream(client, MAX_LINE, 0)) {
            String request = readLineOrNull(stream);
            if (request == null) {
                LOG.log(Level.DEBUG, "a client disconnected without a request");
                return;
            }
            byte[] answer = line(answer(request));
            if (answer.length > MAX_LINE) {
                answer = line(Report.failed("the reply is too long"));
            }
            stream.out().clear().put(answer).flip();
            Outcome outcome = stream.write(PATIENCE);
            LOG.log(Level.DEBUG, () -> "reply to a client: " + outcome);
        } catch (RuntimeException e) {
            LOG.log(Level.DEBUG, "a client disconnected before it got its reply", e);
        } finally {
            client.close();
            free.release();
        }
    }

    private static @Nullable String readLineOrNull(MessageStream stream) {
        ByteBuffer in = stream.in();
        Deadline deadline = Deadline.in(PATIENCE);
        while (in.position() == 0 || in.get(in.position() - 1) != '\n') {
            int end = in.position();
            if (!in.hasRemaining()
                    || stream.readSome(in.remaining(), deadline.left()) != Outcome.DONE
                    || in.position() == end) {
                return null;
            }
        }
        byte[] bytes = new byte[in.position() - 1];
        in.get(0, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static byte[] line(String text) {
        return (text + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private String answer(String request) {
        try {
            return answerer.apply(request);
        } catch (Throwable e) {
            LOG.log(Level.DEBUG, "a command failed", e);
            return Report.failed(Explanation.of(e));
        }
    }

    /**
     * Asks the server of a device.
     *
     * @param path its socket
     * @return its answer
     * @throws IOException when nobody answers there, or not in time
     */
    static String ask(Path path, String request) throws IOException {
        return ask(path, request, ANSWER_PATIENCE);
    }

    /**
     * As {@link #ask(Path, String)}.
     *
     * @param patience how long to wait for the answer
     * @throws AsynchronousCloseException when it has not come by then
     */
    static String ask(Path path, String request, Duration patience) throws IOException {
        try (SocketChannel server = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return within(
                    patience,
                    server,
                    () -> {
                        // It waits, too, where the server has no turn for those who are there.
                        server.connect(UnixDomainSocketAddress.of(path));
                        writeLine(server, request);
                        return readLine(server);
                    });
        }
    }

    /** Something that waits for the other side. */
    private interface Exchange {
        String run() throws IOException;
    }

    /** Closing a channel is what ends a wait on it. */
    private static String within(Duration time, SocketChannel channel, Exchange exchange)
            throws IOException {
        Thread watch = Thread.ofVirtual().start(() -> closeLater(channel, time));
        try {
            return exchange.run();
        } finally {
            watch.interrupt();
        }
    }

    private static void closeLater(SocketChannel channel, Duration time) {
        try {
            Thread.sleep(time);
            closeNow(channel);
        } catch (InterruptedException e) {
            // It was in time.
        }
    }

    private static void closeNow(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "cannot close a connection", e);
        }
    }

    private static String readLine(SocketChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MAX_LINE);
        while (bytes.position() == 0 || bytes.get(bytes.position() - 1) != '\n') {
            if (!bytes.hasRemaining() || channel.read(bytes) < 0) {
                throw new IOException("an incomplete line was received");
            }
        }
        return new String(bytes.array(), 0, bytes.position() - 1, StandardCharsets.UTF_8);
    }

    private static void writeLine(SocketChannel channel, String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(line(line));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Stops listening; answers under way are finished. */
    @Override
    public void close() {
        stop.signal();
        acceptor.interrupt();
        boolean interrupted = false;
        while (acceptor.isAlive()) {
            try {
                acceptor.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        listener.close();
        stop.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
