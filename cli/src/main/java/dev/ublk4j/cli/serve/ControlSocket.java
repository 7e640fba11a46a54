package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.UnaryOperator;

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
    private static final Duration ANSWER_PATIENCE = Duration.ofSeconds(30);

    /** How long to wait when nobody can be taken in. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    private static final int MAX_CONNECTIONS = 16;
    private static final int MAX_LINE = 64 * 1024;

    private final Path path;
    private final ServerSocketChannel listener;
    private final UnaryOperator<String> answerer;
    private final Semaphore free = new Semaphore(MAX_CONNECTIONS);

    private ControlSocket(Path path, ServerSocketChannel listener, UnaryOperator<String> answerer) {
        this.path = path;
        this.listener = listener;
        this.answerer = answerer;
    }

    /**
     * Begins to listen.
     *
     * @param path where; what is there is replaced, as left by a server that is gone
     * @param answerer makes an answer of a request; several at a time. What it throws is answered
     *     as an error
     */
    public static ControlSocket open(Path path, UnaryOperator<String> answerer) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            listener.close();
            throw e;
        }
        ControlSocket socket = new ControlSocket(path, listener, answerer);
        Thread.ofPlatform().daemon().name("control").start(socket::accept);
        return socket;
    }

    private void accept() {
        boolean failing = false;
        try {
            while (listener.isOpen()) {
                if (failing) {
                    Thread.sleep(PAUSE);
                }
                free.acquire();
                failing = !acceptOne(failing);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Waits for a client; answers false when none could be taken in: there may be no descriptor, no
     * thread or no memory left, all of which comes back.
     *
     * @param failing whether the last one could not either, which has been logged
     */
    private boolean acceptOne(boolean failing) {
        SocketChannel client = null;
        try {
            SocketChannel accepted = listener.accept();
            client = accepted;
            Thread.ofVirtual().name("control-client").start(() -> serve(accepted));
            return true;
        } catch (ClosedChannelException e) {
            LOG.log(Level.DEBUG, () -> path + " is closed");
        } catch (IOException | RuntimeException | Error e) {
            if (!failing) {
                LOG.log(Level.WARNING, () -> "%s: cannot accept: %s".formatted(path, e));
            }
        }
        if (client != null) {
            closeNow(client);
        }
        free.release();
        return false;
    }

    private static void closeNow(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a connection does not close", e);
        }
    }

    private void serve(SocketChannel client) {
        try (client) {
            String request = within(PATIENCE, client, () -> readLine(client));
            String answer = answer(request);
            within(
                    PATIENCE,
                    client,
                    () -> {
                        writeLine(client, answer);
                        return "";
                    });
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a client went away before it was answered", e);
        } finally {
            free.release();
        }
    }

    private String answer(String request) {
        try {
            return answerer.apply(request);
        } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
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
        try (SocketChannel server = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return within(
                    ANSWER_PATIENCE,
                    server,
                    () -> {
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

    private static String readLine(SocketChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MAX_LINE);
        while (bytes.position() == 0 || bytes.get(bytes.position() - 1) != '\n') {
            if (!bytes.hasRemaining() || channel.read(bytes) < 0) {
                throw new IOException("no whole line came");
            }
        }
        return new String(bytes.array(), 0, bytes.position() - 1, StandardCharsets.UTF_8);
    }

    private static void writeLine(SocketChannel channel, String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Stops listening. */
    @Override
    public void close() throws IOException {
        listener.close();
        Files.deleteIfExists(path);
    }
}
