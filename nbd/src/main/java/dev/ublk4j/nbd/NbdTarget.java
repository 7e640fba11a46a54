package dev.ublk4j.nbd;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.ExportFlag;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A device that an NBD server exports: the client's side of the protocol.
 *
 * <p>What the export can do, its size and its block sizes become the geometry: it is read-only,
 * discards, writes zeroes, flushes and writes through where the server says so. Where the server
 * lets clients have several connections, each queue has one; else all share one.
 *
 * <p><b>Losing the server.</b> A connection that is lost is made again, and requests without a
 * reply are sent again on it: each of them may be executed twice, with the same result. A server
 * that does not reply within half of the patience has lost its connection. A request that has no
 * reply at the end of the patience fails with {@code EIO}. What a server had taken and not flushed
 * when it died may be lost, as with any disk that has a cache; nobody tells the client.
 *
 * <p><b>Threads.</b> The server is waited for on threads of the connection, one that sends and one
 * that receives; data goes from the socket to where the request has it, and back, without another
 * copy. What a server sends is checked against what it was asked: a reply to nothing, too much or
 * too little data end the connection.
 */
public final class NbdTarget implements Target {
    static final System.Logger LOG = System.getLogger(NbdTarget.class.getName());

    /** How long a request may take, unless it is said: a minute. */
    public static final Duration DEFAULT_PATIENCE = Duration.ofMinutes(1);

    private static final int SECTOR = 512;
    private static final int PAGE = 4096;

    private final NbdUri uri;
    private final ClientConnection.Connector connector;
    private final ClientHandshake.Export export;
    private final Duration patience;
    private final Threads threads = Threads.ofJdk();
    private final Geometry geometry;

    /** By queue, where there may be several; guarded by itself. */
    private final List<ClientConnection> connections = new ArrayList<>();

    private NbdTarget(
            NbdUri uri,
            ClientConnection.Connector connector,
            ClientSession first,
            Duration patience,
            Geometry geometry) {
        this.uri = uri;
        this.connector = connector;
        this.export = first.export();
        this.patience = patience;
        this.geometry = geometry;
        connections.add(new ClientConnection(uri, connector, export, first, patience, threads));
    }

    /**
     * Connects to a server.
     *
     * @param context for {@code nbds}: trusts the server's certificate, or has the key that is
     *     shared with it; null for no TLS
     * @param patience how long the handshake and each request may take, at least a second
     * @throws NbdRefusedException when the server has no such export, or speaks another language
     * @throws IOException when the connection fails
     * @throws dev.ublk4j.linux.LinuxException when it cannot be made
     */
    public static NbdTarget connect(NbdUri uri, @Nullable SSLContext context, Duration patience)
            throws IOException {
        if (patience.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("patience is less than a second: " + patience);
        }
        Threads threads = Threads.ofJdk();
        ClientConnection.Connector connector =
                () -> ClientSession.connect(uri, context, patience, threads);
        ClientSession first = connector.connect();
        try {
            return new NbdTarget(uri, connector, first, patience, geometry(uri, first.export()));
        } catch (Throwable e) {
            first.cut();
            first.close();
            throw e;
        }
    }

    private static Geometry geometry(NbdUri uri, ClientHandshake.Export export)
            throws NbdRefusedException {
        int block = Math.max(SECTOR, export.smallestBlock());
        if (block > PAGE) {
            throw new NbdRefusedException(
                    "%s has blocks of %d bytes, more than a page".formatted(uri, block));
        }
        long size = export.bytes() & -block;
        if (size <= 0) {
            throw new NbdRefusedException(
                    "%s has %d bytes, less than a block".formatted(uri, export.bytes()));
        }
        if (size != export.bytes()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () ->
                            "%s has %d bytes, of which the last %d are no whole block and left out"
                                    .formatted(uri, export.bytes(), export.bytes() - size));
        }
        Geometry geometry =
                Geometry.ofSize(size)
                        .withBlockSize(block)
                        .withMaxIo(export.largestPayload() & -block);
        if (export.can(ExportFlag.ROTATIONAL)) {
            geometry = geometry.asRotational();
        }
        if (export.can(ExportFlag.SEND_FLUSH)) {
            geometry =
                    export.can(ExportFlag.SEND_FUA)
                            ? geometry.withForcedUnitAccess()
                            : geometry.withVolatileCache();
        }
        if (export.can(ExportFlag.READ_ONLY)) {
            return geometry.asReadOnly();
        }
        geometry = export.can(ExportFlag.SEND_TRIM) ? geometry.withDiscard(block) : geometry;
        return export.can(ExportFlag.SEND_WRITE_ZEROES) ? geometry.withWriteZeroes() : geometry;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public TargetQueue open(Queue queue) {
        return new ClientQueue(queue, connection(queue.id()));
    }

    private ClientConnection connection(int queue) {
        synchronized (connections) {
            int index = export.can(ExportFlag.CAN_MULTI_CONN) ? queue : 0;
            while (connections.size() <= index) {
                connections.add(
                        new ClientConnection(uri, connector, export, null, patience, threads));
            }
            return connections.get(index);
        }
    }

    /** The export on one queue. */
    private record ClientQueue(Queue queue, ClientConnection connection) implements TargetQueue {
        @Override
        public void submit(Request request) {
            switch (request.operation()) {
                case READ -> send(request, Command.READ, 0, request.data());
                case WRITE ->
                        send(
                                request,
                                Command.WRITE,
                                request.forcesUnitAccess() ? Command.FLAG_FUA : 0,
                                request.data());
                case FLUSH -> send(request, Command.FLUSH, 0, MemorySegment.NULL);
                case DISCARD -> send(request, Command.TRIM, 0, MemorySegment.NULL);
                case WRITE_ZEROES ->
                        send(
                                request,
                                Command.WRITE_ZEROES,
                                request.keepsAllocation() ? Command.FLAG_NO_HOLE : 0,
                                MemorySegment.NULL);
                default -> request.complete(Errno.EOPNOTSUPP.negated());
            }
        }

        private void send(Request request, int command, int flags, MemorySegment data) {
            long length = command == Command.FLUSH ? 0 : request.length();
            long offset = command == Command.FLUSH ? 0 : request.offset();
            if (length > Integer.MAX_VALUE) {
                request.complete(Errno.EINVAL.negated());
                return;
            }
            connection.submit(queue, request.id(), command, flags, offset, length, data);
        }

        @Override
        public void close() {
            connection.forget(queue);
        }
    }

    @Override
    public void close() {
        synchronized (connections) {
            connections.forEach(ClientConnection::close);
        }
    }
}
